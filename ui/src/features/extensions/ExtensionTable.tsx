import { VisuallyHidden } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import type { ExtensionRow } from "../../api/extensions";
import type { Extension } from "../../bindings";
import table from "../../ui/table.module.css";
import { roles } from "../../ui/tableRoles";
import { useShortcuts } from "../../ui/useShortcuts";
import classes from "./ExtensionTable.module.css";
import { ExtensionTableRow } from "./ExtensionTableRow";
import type { ExtensionActions } from "./extensionActions";
import type { ExtensionColumn } from "./extensionColumns";
import type { SortColumn, SortOrder } from "./extensionOrder";
import { SortableHead } from "./SortableHead";
import type { useSelection } from "./useSelection";

/** As high as a row in ExtensionTable.module.css, in pixels. */
const rowHeight = 36;
/** As high as the head, which covers what scrolls under it. */
const headHeight = 33;
/** Rows made beyond each edge: as many as a turn of the wheel passes. Each costs as much as one in sight. */
const overscan = 4;

type ExtensionTableProps = {
  /** The rows that match, in order. */
  rows: readonly ExtensionRow[];
  columns: readonly ExtensionColumn[];
  order: SortOrder;
  onSort: (column: SortColumn) => void;
  selection: ReturnType<typeof useSelection>;
  /** The extension whose panel is open. */
  openId: string | undefined;
  actions: ExtensionActions;
  onDelete: (extension: Extension) => void;
};

/** The list, of which only the rows in sight are made. */
export function ExtensionTable({
  rows,
  columns,
  order,
  onSort,
  selection,
  openId,
  actions,
  onDelete,
}: ExtensionTableProps) {
  const { selected, select, selectAll, clear } = selection;
  const scroller = useRef<HTMLDivElement>(null);
  /** The row that had the focus last: it may be scrolled out of sight, and the focus with it. */
  const leftId = useRef<string | undefined>(undefined);
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan,
    scrollMargin: headHeight,
    scrollPaddingStart: headHeight,
  });
  const made = virtualizer.getVirtualItems();

  function focusRow(index: number) {
    virtualizer.scrollToIndex(index, { align: "auto" });
    const focus = () => {
      const found = scroller.current?.querySelector<HTMLElement>(`[data-index="${index}"] [role=switch]`);
      found?.focus({ preventScroll: true });
      return found !== null && found !== undefined;
    };
    // A row that was out of sight is there after the next paint.
    if (!focus()) requestAnimationFrame(() => requestAnimationFrame(focus));
  }

  /** The row that is meant by a key: that with the focus, else that of the panel, else the one that was left last. */
  function currentIndex(): number | null {
    const focused = focusedIndex();
    if (focused !== null) return focused;
    const index = rows.findIndex(({ id }) => id === (openId ?? leftId.current));
    return index < 0 ? null : index;
  }

  /** To the next or the previous row; with the panel open, to the next or the previous extension in it. */
  function move(step: 1 | -1) {
    const from = currentIndex();
    const next = from === null ? 0 : from + step;
    const row = rows[next];
    if (!row) return;
    focusRow(next);
    if (openId !== undefined) actions.open(row.id);
  }

  function extend(step: 1 | -1) {
    const from = currentIndex();
    const row = from === null ? undefined : rows[from];
    if (from === null || !row) return false;
    if (!selected.has(row.id)) select(from, "toggle");
    if (rows[from + step]) {
      select(from + step, "range");
      focusRow(from + step);
    }
    return true;
  }

  /** The arrows scroll what has the focus; they are the list's only where nothing else has it. */
  const inList = (run: () => unknown) => () => {
    const active = document.activeElement;
    return active === document.body || scroller.current?.contains(active) ? run() : false;
  };

  useShortcuts({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: inList(() => move(1)),
    ArrowUp: inList(() => move(-1)),
    J: () => extend(1),
    K: () => extend(-1),
    "Shift+ArrowDown": inList(() => extend(1)),
    "Shift+ArrowUp": inList(() => extend(-1)),
    "Control+a": inList(selectAll),
    x: () => {
      const index = currentIndex();
      if (index === null) return false;
      select(index, "toggle");
      return true;
    },
    Enter: () => {
      const index = focusedIndex();
      const row = index === null ? undefined : rows[index];
      if (!row || document.activeElement?.role !== "switch") return false;
      actions.open(row.id);
      return true;
    },
  });

  // An address that names an extension far down the list brings its row into sight, once.
  const arrivedAt = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (openId === undefined || arrivedAt.current === openId) return;
    const index = rows.findIndex((row) => row.id === openId);
    if (index < 0) return;
    arrivedAt.current = openId;
    virtualizer.scrollToIndex(index, { align: "auto" });
  }, [openId, rows, virtualizer]);

  const selectedCount = rows.reduce((count, row) => count + Number(selected.has(row.id)), 0);
  return (
    <div ref={scroller} className={classes.scroller}>
      <table
        {...roles.table}
        className={`${table.table} ${classes.table}`}
        aria-label="Extensions"
        aria-rowcount={rows.length + 1}
        onFocus={(event) => {
          leftId.current = event.target.closest<HTMLElement>("tr[data-extension-id]")?.dataset.extensionId;
        }}
      >
        <thead {...roles.rowgroup}>
          <tr {...roles.row}>
            <th {...roles.columnheader} scope="col" data-column="select">
              <input
                type="checkbox"
                className={classes.checkbox}
                aria-label="Select all that match"
                checked={selectedCount === rows.length}
                ref={(box) => {
                  if (box) box.indeterminate = selectedCount > 0 && selectedCount < rows.length;
                }}
                onChange={(event) => (event.currentTarget.checked ? selectAll() : clear())}
              />
            </th>
            {columns.map(({ column, name, kind }) => (
              <SortableHead
                key={column}
                column={column}
                figure={kind === "figure"}
                direction={order.column === column ? (order.descending ? "descending" : "ascending") : "none"}
                onSort={() => onSort(column)}
              >
                {name}
              </SortableHead>
            ))}
            <th {...roles.columnheader} scope="col" data-column="menu">
              <VisuallyHidden>Actions</VisuallyHidden>
            </th>
          </tr>
        </thead>
        <tbody {...roles.rowgroup} style={{ height: virtualizer.getTotalSize() }}>
          {made.map(({ index, start }) => {
            const row = rows[index];
            return (
              row && (
                <ExtensionTableRow
                  key={row.id}
                  row={row}
                  index={index}
                  top={start - headHeight}
                  columns={columns}
                  isSelected={selected.has(row.id)}
                  isOpen={row.id === openId}
                  actions={actions}
                  onSelect={select}
                  onDelete={onDelete}
                />
              )
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function focusedRow(): HTMLElement | null {
  return document.activeElement?.closest<HTMLElement>("tr[data-extension-id]") ?? null;
}

/** The place of the row that has the focus, or null. */
function focusedIndex(): number | null {
  const row = focusedRow();
  return row ? Number(row.dataset.index) : null;
}

/** The extension whose row has the focus, or null. */
export function focusedExtensionId(): string | null {
  return focusedRow()?.dataset.extensionId ?? null;
}

/** Takes the keys from the search box to the first row; answers whether there is one. */
export function focusFirstRow(): boolean {
  const first = document.querySelector<HTMLElement>("tr[data-extension-id] [role=switch]");
  first?.focus();
  return first !== null;
}
