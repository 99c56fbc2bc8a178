import { UnstyledButton } from "@mantine/core";
import { useId } from "react";
import type { AuditEntry } from "../../bindings";
import { actionIcons } from "../../ui/actionIcons";
import { actor } from "../../ui/changeWords";
import { groupedCount } from "../../ui/figures";
import { IconChevronRight } from "../../ui/icons";
import { Timestamp } from "../../ui/Timestamp";
import { AuditDetails } from "./AuditDetails";
import classes from "./AuditTimelineEntry.module.css";
import { origin, through } from "./auditSentence";
import { GroupChip } from "./GroupChip";
import { InlineChanges } from "./InlineChanges";
import { useTimelineActions } from "./timelineActions";

type AuditTimelineEntryProps = {
  entry: AuditEntry;
  open: boolean;
  /** It stands below the line of its group. */
  inGroup?: boolean;
  onToggle: () => void;
};

export function AuditTimelineEntry({ entry, open, inGroup = false, onToggle }: AuditTimelineEntryProps) {
  const detailsId = useId();
  const { filterBy } = useTimelineActions();
  const { group_id } = entry;
  const Icon = actionIcons[entry.action];
  const cameFrom = origin(entry);
  return (
    <article
      className={classes.entry}
      data-audit-revision={entry.revision}
      data-action={entry.action}
      data-open={open || undefined}
      data-in-group={inGroup || undefined}
    >
      <div className={classes.line}>
        <span className={classes.time}>
          <Timestamp value={entry.timestamp} format="clock" absent="--:--:--" />
        </span>
        <span className={classes.rail}>
          <span className={classes.icon}>
            <Icon size={13} stroke={2} aria-hidden />
          </span>
        </span>
        <span className={classes.sentence}>
          <ActorName entry={entry} /> {entry.action} <ExtensionName id={entry.extension_id} />
          {cameFrom !== null && <span className={classes.reason}>, {cameFrom}</span>}
          <Reason entry={entry} />
        </span>
        <InlineChanges changes={entry.changes} />
        {group_id !== null && filterBy && !inGroup && (
          <GroupChip entry={entry} groupId={group_id} onChoose={() => filterBy({ group: group_id })} />
        )}
        {entry.actor_source === "legacy" && <span className={classes.unverified}>not verified</span>}
        <UnstyledButton
          className={classes.toggle}
          aria-expanded={open}
          aria-controls={open ? detailsId : undefined}
          aria-label={`Details of #${groupedCount(entry.revision)}`}
          onClick={onToggle}
        >
          <IconChevronRight className={classes.chevron} size={14} aria-hidden />
        </UnstyledButton>
      </div>
      {open && (
        <div id={detailsId} className={classes.details}>
          <AuditDetails entry={entry} />
        </div>
      )}
    </article>
  );
}

/** Who did it, and through which server; a click shows only what they did. */
export function ActorName({ entry }: { entry: AuditEntry }) {
  const { filterBy } = useTimelineActions();
  const { changed_by } = entry;
  const server = through(entry);
  return (
    <>
      {/* Only recorded names can be searched for. */}
      {changed_by === null || !filterBy ? (
        <strong>
          <bdi>{actor(entry)}</bdi>
        </strong>
      ) : (
        <UnstyledButton
          className={classes.actor}
          title={`Only changes by ${changed_by}`}
          onClick={() => filterBy({ actor: changed_by })}
        >
          <bdi>{changed_by}</bdi>
        </UnstyledButton>
      )}
      {server !== null && <span className={classes.reason}>, through {server},</span>}
    </>
  );
}

function ExtensionName({ id }: { id: string }) {
  const { filterBy } = useTimelineActions();
  if (!filterBy) {
    return (
      <code>
        <bdi>{id}</bdi>
      </code>
    );
  }
  return (
    <UnstyledButton
      className={classes.code}
      title={`Only changes of ${id}`}
      onClick={() => filterBy({ extension: id })}
    >
      <bdi>{id}</bdi>
    </UnstyledButton>
  );
}

export function Reason({ entry }: { entry: AuditEntry }) {
  if (entry.reason === null) return null;
  return (
    <span className={classes.reason}>
      {" · "}
      <bdi>{entry.reason}</bdi>
    </span>
  );
}
