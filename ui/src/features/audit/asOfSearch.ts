import type { Moment } from "../../bindings";
import { parseInstant } from "../../ui/time";

/** The moment in the address: a revision or a time, RFC 3339. */
export type AsOfSearch = { revision?: number; time?: string };

export function readAsOfSearch(raw: Record<string, unknown>): AsOfSearch {
  const revision = Number(raw.revision);
  if (raw.revision !== undefined && Number.isInteger(revision) && revision >= 0) return { revision };
  const instant = typeof raw.time === "string" ? parseInstant(raw.time) : null;
  return instant ? { time: instant.toISOString() } : {};
}

export function momentOf(search: AsOfSearch): Moment | null {
  if (search.revision !== undefined) return { kind: "revision", value: search.revision };
  return search.time === undefined ? null : { kind: "time", value: search.time };
}
