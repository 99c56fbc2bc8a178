import { type KeyboardEvent, useMemo, useState } from "react";
import type { ExtensionRow } from "../../api/extensions";
import table from "../../ui/table.module.css";
import classes from "./ExtensionTable.module.css";
import { ExtensionTableRow } from "./ExtensionTableRow";
import { defaultOrder, nextOrder, type SortColumn, sortExtensions } from "./extensionOrder";
import { SortableHead } from "./SortableHead";

const columns: readonly { column: SortColumn; name: string; figure?: true }[] = [
  { column: "id", name: "Id" },
  { column: "type", name: "Type" },
  { column: "subject", name: "Subject" },
  { column: "timeout_ms", name: "Timeout", figure: true },
  { column: "retry", name: "Retries", figure: true },
  { column: "enabled", name: "State" },
  { column: "health", name: "Health" },
  { column: "last_change", name: "Last change" },
];

type ExtensionTableProps = {
  rows: readonly ExtensionRow[];
  /** The extension whose panel is open beside the table. */
  openId?: string | undefined;
  onOpen: (id: string) => void;
  onSwitch: (id: string, enabled: boolean) => void;
};

export function ExtensionTable({ rows, openId, onOpen, onSwitch }: ExtensionTableProps) {
  const [order, setOrder] = useState(defaultOrder);
  const sorted = useMemo(() => sortExtensions(rows, order), [rows, order]);

  return (
    <table
      className={`${table.table} ${classes.table}`}
      aria-label="Extensions"
      onKeyDown={moveBetweenSwitches}
    >
      <thead>
        <tr>
          <th scope="col" className={classes.switch} aria-label="Switch" />
          {columns.map(({ column, name, figure }) => (
            <SortableHead
              key={column}
              className={classes[column]}
              figure={figure ?? false}
              direction={order.column === column ? (order.descending ? "descending" : "ascending") : "none"}
              onSort={() => setOrder(nextOrder(order, column))}
            >
              {name}
            </SortableHead>
          ))}
        </tr>
      </thead>
      <tbody>
        {sorted.map((row) => (
          <ExtensionTableRow
            key={row.id}
            row={row}
            isOpen={row.id === openId}
            followsFocus={openId !== undefined}
            onOpen={onOpen}
            onSwitch={onSwitch}
          />
        ))}
      </tbody>
    </table>
  );
}

/** From a switch, j and k or the arrows lead to the next and the previous one; Space is the switch's own. */
function moveBetweenSwitches(event: KeyboardEvent<HTMLTableElement>) {
  const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
  if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  const switches = [...event.currentTarget.querySelectorAll<HTMLElement>("[role=switch]")];
  const index = switches.indexOf(event.target as HTMLElement);
  const next = switches[index + step];
  if (index < 0 || !next) return;
  event.preventDefault();
  next.focus();
}
