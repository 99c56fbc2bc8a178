import { type MouseEvent, memo, useState } from "react";
import type { ExtensionRow } from "../../api/extensions";
import { useChangedByOthers } from "../../api/othersChanges";
import type { Extension } from "../../bindings";
import { IconDots } from "../../ui/icons";
import table from "../../ui/table.module.css";
import { roles } from "../../ui/tableRoles";
import { ExtensionMenu } from "./ExtensionMenu";
import classes from "./ExtensionTable.module.css";
import type { ExtensionActions } from "./extensionActions";
import type { ExtensionColumn } from "./extensionColumns";
import type { SelectHow } from "./useSelection";

type ExtensionTableRowProps = {
  row: ExtensionRow;
  /** Its place among the rows that match, from 0. */
  index: number;
  /** How far down the list it lies, in pixels. */
  top: number;
  columns: readonly ExtensionColumn[];
  isSelected: boolean;
  isOpen: boolean;
  actions: ExtensionActions;
  onSelect: (index: number, how: SelectHow) => void;
  onDelete: (extension: Extension) => void;
};

export const ExtensionTableRow = memo(function ExtensionTableRow({
  row,
  index,
  top,
  columns,
  isSelected,
  isOpen,
  actions,
  onSelect,
  onDelete,
}: ExtensionTableRowProps) {
  const isNews = useChangedByOthers(row.id);

  function handleClick(event: MouseEvent<HTMLElement>) {
    // The buttons in the row do their own work, and marking text to copy is no click.
    const target = event.target as Element;
    if (target.closest("button, input, label, a") || !document.getSelection()?.isCollapsed) return;
    if (event.shiftKey) onSelect(index, "range");
    else if (event.ctrlKey || event.metaKey) onSelect(index, "toggle");
    else actions.open(row.id);
  }

  return (
    // The keyboard's ways are Enter and x on the row's switch.
    <tr
      {...roles.row}
      className={classes.row}
      style={{ transform: `translateY(${top}px)` }}
      data-extension-id={row.id}
      data-index={index}
      data-off={!row.enabled || undefined}
      data-news={isNews || undefined}
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      aria-current={isOpen || undefined}
      aria-busy={row.pending}
      onMouseDown={(event) => {
        // Shift marks rows here, not text.
        if (event.shiftKey) event.preventDefault();
      }}
      onClick={handleClick}
    >
      <td {...roles.cell} data-column="select">
        <input
          type="checkbox"
          className={classes.checkbox}
          aria-label={`Select ${row.id}`}
          checked={isSelected}
          readOnly
          onClick={(event) => onSelect(index, event.shiftKey ? "range" : "toggle")}
        />
      </td>
      {columns.map(({ column, kind, cell }) => (
        <td
          {...roles.cell}
          key={column}
          data-column={column}
          className={kind === "plain" ? undefined : table[kind]}
        >
          {cell(row, actions)}
        </td>
      ))}
      <td {...roles.cell} data-column="menu">
        <RowMenu row={row} actions={actions} onDelete={onDelete} />
      </td>
    </tr>
  );
});

type RowMenuProps = Pick<ExtensionTableRowProps, "row" | "actions" | "onDelete">;

/** The menu is made at the first click: a screen of rows would carry hundreds of unused parts. */
function RowMenu({ row, actions, onDelete }: RowMenuProps) {
  const [opened, setOpened] = useState<boolean | null>(null);
  const button = (
    <button
      type="button"
      className={classes.menuButton}
      tabIndex={-1}
      aria-label={`Actions for ${row.id}`}
      aria-haspopup="menu"
      data-opened={opened || undefined}
      onClick={() => setOpened(!opened)}
    >
      <IconDots size={16} aria-hidden />
    </button>
  );
  if (opened === null) return button;
  return (
    <ExtensionMenu
      extension={row}
      actions={actions}
      onOpen={() => actions.open(row.id)}
      onDelete={onDelete}
      opened={opened}
      onOpenedChange={setOpened}
      button={button}
    />
  );
}
