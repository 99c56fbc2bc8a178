import { memo } from "react";
import type { ExtensionRow } from "../../api/extensions";
import { ExtensionTypeBadge } from "../../ui/ExtensionTypeBadge";
import { exactDuration } from "../../ui/figures";
import { Identifier } from "../../ui/Identifier";
import { IconCircleCheck, IconCircleOff } from "../../ui/icons";
import { StatusWord } from "../../ui/StatusWord";
import { Switch } from "../../ui/Switch";
import table from "../../ui/table.module.css";
import classes from "./ExtensionTable.module.css";
import { HealthCell } from "./HealthCell";
import { LastChangeCell } from "./LastChangeCell";

type ExtensionTableRowProps = {
  row: ExtensionRow;
  isOpen: boolean;
  /** While a panel is open it shows the row that has the focus. */
  followsFocus: boolean;
  onOpen: (id: string) => void;
  onSwitch: (id: string, enabled: boolean) => void;
};

export const ExtensionTableRow = memo(function ExtensionTableRow({
  row,
  isOpen,
  followsFocus,
  onOpen,
  onSwitch,
}: ExtensionTableRowProps) {
  return (
    // The keyboard's way is Enter on the row's switch.
    <tr
      aria-selected={isOpen || undefined}
      onClick={(event) => {
        if (!(event.target as HTMLElement).closest("button, a")) onOpen(row.id);
      }}
      onFocus={() => followsFocus && !isOpen && onOpen(row.id)}
      onKeyDown={(event) => {
        if (event.key !== "Enter" || (event.target as HTMLElement).role !== "switch") return;
        event.preventDefault();
        onOpen(row.id);
      }}
      className={classes.row}
      data-extension-id={row.id}
      data-off={!row.enabled || undefined}
      aria-busy={row.pending}
    >
      <td>
        <Switch
          name={`${row.id} enabled`}
          on={row.enabled}
          onChange={(enabled) => onSwitch(row.id, enabled)}
        />
      </td>
      <td className={table.name}>
        <Identifier label="id" value={row.id} />
      </td>
      <td>
        <ExtensionTypeBadge type={row.type} />
      </td>
      <td className={table.name}>
        <Identifier label="subject" value={row.subject} />
      </td>
      <td className={table.figure}>{exactDuration(row.timeout_ms)}</td>
      <td className={table.figure}>
        {row.retry === 0 ? <span className={classes.none}>none</span> : `×${row.retry}`}
      </td>
      <td>
        {row.enabled ? (
          <StatusWord icon={IconCircleCheck} tone="good">
            On
          </StatusWord>
        ) : (
          <StatusWord icon={IconCircleOff} tone="quiet">
            Off
          </StatusWord>
        )}
      </td>
      <td>
        <HealthCell health={row.health} scorePercent={row.health_score_percent} />
      </td>
      <td>
        <LastChangeCell change={row.last_change} />
      </td>
    </tr>
  );
});
