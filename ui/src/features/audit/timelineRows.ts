import type { AuditEntry } from "../../bindings";
import { dayName, localDate, parseInstant } from "../../ui/time";

/** What the timeline is made of, from the top to the bottom. Keys stay the same while pages come and go. */
export type TimelineRow = { key: string; day: string; first: boolean; last: boolean } & (
  | { kind: "day" }
  | { kind: "entry"; entry: AuditEntry; inGroup: boolean }
  | { kind: "group"; groupId: string; entries: AuditEntry[]; open: boolean; continues: boolean }
);

export type RowOptions = {
  now: Date;
  openGroups: ReadonlySet<string>;
  /** Whether neighbouring entries of one group become one row. */
  collapse: boolean;
  /** Whether older entries follow that are not loaded. */
  continues: boolean;
};

export function timelineRows(entries: readonly AuditEntry[], options: RowOptions): TimelineRow[] {
  const rows: TimelineRow[] = [];
  const keys = new Set<string>();
  let day: string | null = null;
  let index = 0;

  /** The clocks of writers may differ: a day or a group can come twice. */
  function unique(key: string, entry: AuditEntry): string {
    const free = keys.has(key) ? `${key} ${entry.revision}` : key;
    keys.add(free);
    return free;
  }

  while (index < entries.length) {
    const entry = entries[index];
    if (!entry) break;
    const name = dayOf(entry, options.now);
    if (name !== day) {
      day = name;
      closeDay(rows);
      rows.push({ kind: "day", key: unique(`day ${name}`, entry), day, first: false, last: false });
    }
    const first = rows.at(-1)?.kind === "day";
    const together = options.collapse ? groupFrom(entries, index, options.now) : [entry];
    index += together.length;
    if (together.length === 1 || entry.group_id === null) {
      rows.push({ ...entryRow(entry, day, false), first });
      continue;
    }
    const open = options.openGroups.has(entry.group_id);
    const continues = options.continues && index === entries.length;
    rows.push({
      kind: "group",
      key: unique(`group ${entry.group_id}`, entry),
      groupId: entry.group_id,
      entries: together,
      open,
      continues,
      day,
      first,
      last: false,
    });
    if (open) rows.push(...together.map((member) => entryRow(member, name, true)));
  }
  closeDay(rows);
  return rows;
}

function closeDay(rows: TimelineRow[]) {
  const last = rows.at(-1);
  if (last) last.last = true;
}

function entryRow(entry: AuditEntry, day: string, inGroup: boolean): TimelineRow {
  return { kind: "entry", key: `entry ${entry.revision}`, entry, inGroup, day, first: false, last: false };
}

/** The entry and those after it that belong to the same bulk change and the same day. */
function groupFrom(entries: readonly AuditEntry[], from: number, now: Date): AuditEntry[] {
  const head = entries[from];
  if (!head) return [];
  let end = from + 1;
  if (head.group_id !== null) {
    const day = dayOf(head, now);
    while (entries[end]?.group_id === head.group_id && dayOf(entries[end] ?? head, now) === day) end += 1;
  }
  return entries.slice(from, end);
}

const names = new Map<string, string>();

function dayOf(entry: AuditEntry, now: Date): string {
  const instant = parseInstant(entry.timestamp);
  if (!instant) return "Time unknown";
  // Formatting a date costs more than all else here, and there are few days.
  const key = `${localDate(instant)} on ${localDate(now)}`;
  const known = names.get(key);
  if (known !== undefined) return known;
  const name = dayName(instant, now);
  names.set(key, name);
  return name;
}
