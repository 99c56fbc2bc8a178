import { ActionIcon, Button } from "@mantine/core";
import type { ReactNode } from "react";
import type { Allowed } from "../../api/access";
import type { ExtensionRow } from "../../api/extensions";
import { groupedCount } from "../../ui/figures";
import { GuardedButton } from "../../ui/GuardedButton";
import { IconCircleCheck, IconCircleOff, IconTrash, IconX } from "../../ui/icons";
import classes from "./BulkBar.module.css";

type BulkBarProps = {
  rows: readonly ExtensionRow[];
  /** How many of them the filter leaves out of sight. */
  hiddenCount: number;
  /** How many match the filter. */
  matchingCount: number;
  allowed: Allowed;
  /** Saves them to a file. */
  exportMenu: ReactNode;
  onSetEnabled: (rows: readonly ExtensionRow[], enabled: boolean) => void;
  onDelete: (rows: readonly ExtensionRow[]) => void;
  onSelectAll: () => void;
  onClear: () => void;
};

/** What can be done with all rows that are chosen, and how many each would change. */
export function BulkBar(props: BulkBarProps) {
  const {
    rows,
    hiddenCount,
    matchingCount,
    allowed,
    exportMenu,
    onSetEnabled,
    onDelete,
    onSelectAll,
    onClear,
  } = props;
  const onCount = rows.filter((row) => row.enabled).length;
  const offCount = rows.length - onCount;
  return (
    <div className={classes.bar} role="toolbar" aria-label="Selected extensions" data-bottom-bar>
      <span className={classes.words} aria-live="polite">
        <strong>{groupedCount(rows.length)} selected</strong>
        <span className={classes.detail}>
          {groupedCount(onCount)} on, {groupedCount(offCount)} off
          {hiddenCount > 0 && `, ${groupedCount(hiddenCount)} hidden by the filter`}
        </span>
        {rows.length - hiddenCount < matchingCount && (
          <Button size="compact-xs" variant="subtle" aria-keyshortcuts="Control+A" onClick={onSelectAll}>
            Select all {groupedCount(matchingCount)} that match
          </Button>
        )}
      </span>
      <GuardedButton
        variant="default"
        leftSection={<IconCircleCheck size={14} aria-hidden />}
        forbidden={allowed.switching ?? (offCount === 0 ? "All that are selected are on already." : null)}
        onClick={() => onSetEnabled(rows, true)}
      >
        Enable {groupedCount(offCount)}
      </GuardedButton>
      <GuardedButton
        variant="default"
        leftSection={<IconCircleOff size={14} aria-hidden />}
        forbidden={allowed.switching ?? (onCount === 0 ? "All that are selected are off already." : null)}
        onClick={() => onSetEnabled(rows, false)}
      >
        Disable {groupedCount(onCount)}
      </GuardedButton>
      {exportMenu}
      <GuardedButton
        variant="default"
        c="var(--bad)"
        leftSection={<IconTrash size={14} aria-hidden />}
        forbidden={allowed.editing}
        onClick={() => onDelete(rows)}
      >
        Delete {groupedCount(rows.length)}…
      </GuardedButton>
      <ActionIcon
        variant="subtle"
        color="gray"
        size={28}
        aria-label="Clear the selection"
        aria-keyshortcuts="Escape"
        onClick={onClear}
      >
        <IconX size={16} aria-hidden />
      </ActionIcon>
    </div>
  );
}
