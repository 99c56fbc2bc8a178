import { Tooltip, UnstyledButton } from "@mantine/core";
import type { AuditEntry } from "../../../bindings";
import { actionIcons } from "../../../ui/actionIcons";
import { actor, changeSentence } from "../../../ui/changeWords";
import { IconStack2 } from "../../../ui/icons";
import { shownDateTime } from "../../../ui/time";
import type { Steps } from "./chartModel";
import classes from "./charts.module.css";
import { leftRoom, rightRoom, xOfTime } from "./TimeChart";

/** Marks closer than this many pixels are one. */
const nearPixels = 18;
/** A name needs at least so much. */
const nameRoom = 56;
/** As many sentences as a hint has at the most. */
const sentencesMax = 6;

type ChangeMarksProps = {
  entries: readonly AuditEntry[];
  steps: Steps;
  width: number;
  onOpen: (entries: readonly AuditEntry[]) => void;
};

/** Who changed the extension when, above the charts; the lines below are those of these marks. */
export function ChangeMarks({ entries, steps, width, onOpen }: ChangeMarksProps) {
  const groups = grouped(entries, steps, width);
  return (
    <ul className={classes.marks} aria-label="Changes">
      {groups.map((group, index) => {
        const [first] = group.entries;
        if (!first) return null;
        const after = (groups[index + 1]?.x ?? width - rightRoom) - group.x;
        const before = group.x - (groups[index - 1]?.x ?? leftRoom);
        // What was done just now has its name at the left.
        const isLeft = after < nameRoom && before > after;
        const room = isLeft ? before : after;
        const Icon = group.entries.length === 1 ? actionIcons[first.action] : IconStack2;
        const sentences = group.entries.map(sentence);
        return (
          <li
            key={first.revision}
            data-left={isLeft || undefined}
            style={{
              ...(isLeft ? { right: width - group.x } : { left: group.x }),
              maxWidth: Math.max(nearPixels, room - 4),
            }}
          >
            <Tooltip
              multiline
              maw={420}
              label={
                <span className={classes.sentences}>
                  {sentences.slice(0, sentencesMax).map((words) => (
                    <span key={words}>{words}</span>
                  ))}
                  {sentences.length > sentencesMax && <span>and {sentences.length - sentencesMax} more</span>}
                </span>
              }
            >
              <UnstyledButton
                className={classes.markButton}
                aria-label={`${whoOf(group.entries)}: ${sentences.join("; ")}. Opens the audit log.`}
                onClick={() => onOpen(group.entries)}
              >
                <Icon size={12} stroke={2} aria-hidden />
                {room > nameRoom && <bdi>{whoOf(group.entries)}</bdi>}
              </UnstyledButton>
            </Tooltip>
          </li>
        );
      })}
    </ul>
  );
}

/** When an entry took effect, in milliseconds since 1970. */
export function markTime({ sealed_at, timestamp }: AuditEntry): number | null {
  const at = Date.parse(timestamp ?? sealed_at ?? "");
  return Number.isNaN(at) ? null : at;
}

function sentence(entry: AuditEntry): string {
  const at = markTime(entry);
  return `${at === null ? "" : `${shownDateTime(new Date(at))} `}${changeSentence(entry)}`;
}

function whoOf(entries: readonly AuditEntry[]): string {
  const names = [...new Set(entries.map(actor))];
  const who = names.length === 1 ? (names[0] ?? "") : `${names.length} people`;
  return entries.length === 1 ? who : `${who} ×${entries.length}`;
}

type Group = { x: number; entries: AuditEntry[] };

/** From left to right, with those that would lie on each other in one. */
function grouped(entries: readonly AuditEntry[], steps: Steps, width: number): Group[] {
  const groups: Group[] = [];
  for (const entry of entries.toReversed()) {
    const at = markTime(entry);
    if (at === null) continue;
    const x = xOfTime(steps, at, width);
    const last = groups.at(-1);
    if (last && x - last.x < nearPixels) last.entries.push(entry);
    else groups.push({ x, entries: [entry] });
  }
  return groups;
}
