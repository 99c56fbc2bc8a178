import { Button, UnstyledButton } from "@mantine/core";
import { useAllowed } from "../../api/access";
import type { AuditEntry } from "../../bindings";
import { GuardedButton } from "../../ui/GuardedButton";
import { Identifier } from "../../ui/Identifier";
import { IconArrowBackUp, IconChevronRight, IconStack2 } from "../../ui/icons";
import { Timestamp } from "../../ui/Timestamp";
import { ActorName, Reason } from "./AuditTimelineEntry";
import classes from "./AuditTimelineEntry.module.css";
import { commonAction, groupSize, origin } from "./auditSentence";
import { useTimelineActions } from "./timelineActions";
import { undoForbidden } from "./undoForbidden";

/** So many names are told; the rest are counted. */
const namesTold = 2;

type AuditGroupRowProps = {
  groupId: string;
  entries: AuditEntry[];
  open: boolean;
  continues: boolean;
  onToggle: () => void;
};

/** The changes of one operation as one bubble, which opens to the single entries. */
export function AuditGroupRow({ groupId, entries, open, continues, onToggle }: AuditGroupRowProps) {
  const { filterBy, undo } = useTimelineActions();
  const allowed = useAllowed();
  const [head] = entries;
  if (!head) return null;
  const action = commonAction(entries);
  const cameFrom = origin(head);
  const size = groupSize(entries, continues);
  return (
    <article
      className={classes.entry}
      data-audit-group={groupId}
      data-action={action}
      data-open={open || undefined}
    >
      <div className={classes.line}>
        <span className={classes.time}>
          <Timestamp value={head.timestamp} format="clock" absent="--:--:--" />
        </span>
        <span className={classes.rail}>
          <span className={classes.icon} data-bubble>
            <IconStack2 size={13} stroke={2} aria-hidden />
          </span>
        </span>
        <span className={classes.sentence}>
          <ActorName entry={head} /> {action} <strong>{size}</strong>
          {cameFrom !== null && <span className={classes.reason}>, {cameFrom}</span>}
          <Reason entry={head} />
        </span>
        <span className={classes.names}>{namesOf(entries)}</span>
        <UnstyledButton
          className={classes.toggle}
          aria-expanded={open}
          aria-label={`The changes of ${size}`}
          onClick={onToggle}
        >
          <IconChevronRight className={classes.chevron} size={14} aria-hidden />
        </UnstyledButton>
      </div>
      {open && (
        <div className={classes.groupTools}>
          <span className={classes.groupId}>
            Group <Identifier label="group" value={groupId} />
          </span>
          {filterBy && (
            <Button size="compact-xs" variant="default" onClick={() => filterBy({ group: groupId })}>
              Only this group
            </Button>
          )}
          <GuardedButton
            size="compact-xs"
            variant="default"
            leftSection={<IconArrowBackUp size={13} aria-hidden />}
            forbidden={undoForbidden(entries, allowed)}
            onClick={() => undo({ kind: "group", groupId, entries, continues })}
          >
            Undo the whole group
          </GuardedButton>
        </div>
      )}
    </article>
  );
}

function namesOf(entries: readonly AuditEntry[]): string {
  const ids = [...new Set(entries.map((entry) => entry.extension_id))];
  const told = ids.slice(0, namesTold).join(", ");
  return ids.length > namesTold ? `${told}, +${ids.length - namesTold}` : told;
}
