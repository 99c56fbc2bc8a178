import { UnstyledButton } from "@mantine/core";
import type { TablerIcon } from "@tabler/icons-react";
import { useId } from "react";
import type { AuditAction, AuditEntry } from "../../bindings";
import {
  IconChevronRight,
  IconCircleCheck,
  IconCircleOff,
  IconPencil,
  IconPlus,
  IconTrash,
} from "../../ui/icons";
import { Timestamp } from "../../ui/Timestamp";
import { AuditDetails } from "./AuditDetails";
import { AuditEntryActions } from "./AuditEntryActions";
import classes from "./AuditTimelineEntry.module.css";
import type { SearchChange } from "./auditSearch";
import { actor, origin, through } from "./auditSentence";
import { InlineChanges } from "./InlineChanges";

const icons: Record<AuditAction, TablerIcon> = {
  created: IconPlus,
  updated: IconPencil,
  deleted: IconTrash,
  enabled: IconCircleCheck,
  disabled: IconCircleOff,
};

type AuditTimelineEntryProps = {
  entry: AuditEntry;
  open: boolean;
  onToggle: () => void;
  onNarrow?: ((more: SearchChange) => void) | undefined;
};

export function AuditTimelineEntry({ entry, open, onToggle, onNarrow }: AuditTimelineEntryProps) {
  const detailsId = useId();
  const Icon = icons[entry.action];
  const cameFrom = origin(entry);
  const server = through(entry);
  return (
    <li
      className={classes.entry}
      data-audit-revision={entry.revision}
      data-action={entry.action}
      data-open={open || undefined}
    >
      <UnstyledButton
        className={classes.line}
        aria-expanded={open}
        aria-controls={detailsId}
        onClick={onToggle}
      >
        <span className={classes.time}>
          <Timestamp value={entry.timestamp} format="clock" absent="--:--:--" />
        </span>
        <span className={classes.rail}>
          <span className={classes.icon}>
            <Icon size={13} stroke={2} aria-hidden />
          </span>
        </span>
        <span className={classes.sentence}>
          <strong>{actor(entry)}</strong>
          {server !== null && <span className={classes.reason}>, through {server},</span>} {entry.action}{" "}
          <code>{entry.extension_id}</code>
          {cameFrom !== null && <span className={classes.reason}>, {cameFrom}</span>}
          {entry.reason !== null && <span className={classes.reason}> · {entry.reason}</span>}
        </span>
        <InlineChanges changes={entry.changes} />
        {entry.actor_source === "legacy" && <span className={classes.unverified}>not verified</span>}
        <IconChevronRight className={classes.chevron} size={14} aria-hidden />
      </UnstyledButton>
      {open && (
        <div id={detailsId} className={classes.details}>
          <AuditDetails entry={entry} />
          <AuditEntryActions entry={entry} onNarrow={onNarrow} />
        </div>
      )}
    </li>
  );
}
