import type { AuditEntry } from "../../bindings";
import { dayName, localDate, parseInstant } from "../../ui/time";

export type AuditDay = { key: string; name: string; entries: AuditEntry[] };

/** Neighbouring entries of the same local day, in the order they came in. */
export function groupByDay(entries: readonly AuditEntry[], now: Date): AuditDay[] {
  const days: AuditDay[] = [];
  for (const entry of entries) {
    const instant = parseInstant(entry.timestamp);
    const name = instant ? dayName(instant, now) : "Time unknown";
    const last = days.at(-1);
    if (last?.name === name) last.entries.push(entry);
    else
      days.push({
        key: `${instant ? localDate(instant) : "unknown"} ${entry.revision}`,
        name,
        entries: [entry],
      });
  }
  return days;
}
