import type { RangeOfTime } from "../../api/health";
import type { HealthSeverity } from "../../bindings";
import { parseInstant, shownSpan } from "../../ui/time";
import { severities } from "./healthState";

/** The ranges to choose from, by how they stand in the address; "all" is what the counters hold. */
export const healthRanges = {
  "15m": { words: "15 min", minutes: 15 },
  "1h": { words: "1 h", minutes: 60 },
  "6h": { words: "6 h", minutes: 360 },
  "24h": { words: "24 h", minutes: 1_440 },
  "7d": { words: "7 days", minutes: 10_080 },
  "30d": { words: "30 days", minutes: 43_200 },
  "90d": { words: "90 days", minutes: 129_600 },
} as const;

export type LastRange = keyof typeof healthRanges;
export type HealthRangeName = LastRange | "all";

/** A range with ends of its own, which stands before one by name. */
export type OwnRange = { from: string; until: string };

/** The range as it stands in the address; absent is the last 24 hours. */
export type RangeSearch = { range?: LastRange } & Partial<OwnRange>;

/** What of the health page stands in the address. */
export type HealthSearch = {
  range?: HealthRangeName;
  /** Only those of this severity. */
  state?: HealthSeverity;
  /** Only those with this in their id. */
  text?: string;
} & Partial<OwnRange>;

/** What of the page of one extension's health stands in the address. */
export type ExtensionHealthSearch = RangeSearch & {
  /** Messages that somebody sent to try it, in place of its traffic. */
  source?: "test";
  /** Others to compare it with. */
  with?: string[];
};

/** An extension is compared with no more others than there are colours. */
export const othersMax = 4;

/** What is usable of an address; the rest of it is dropped. */
export function readHealthSearch(raw: Record<string, unknown>): HealthSearch {
  const search: HealthSearch = readRange(raw);
  if (raw.range === "all") search.range = "all";
  const state = severities.find((severity) => severity === raw.state);
  if (state) search.state = state;
  const text = textOf(raw.text);
  if (text) search.text = text;
  return search;
}

export function readExtensionHealthSearch(raw: Record<string, unknown>): ExtensionHealthSearch {
  const search: ExtensionHealthSearch = readRange(raw);
  if (raw.source === "test") search.source = "test";
  const others = Array.isArray(raw.with) ? raw.with.map(textOf).filter((id) => id !== undefined) : [];
  if (others.length > 0) search.with = [...new Set(others)].slice(0, othersMax);
  return search;
}

function readRange(raw: Record<string, unknown>): RangeSearch {
  const search: RangeSearch = {};
  if (typeof raw.range === "string" && Object.hasOwn(healthRanges, raw.range))
    search.range = raw.range as LastRange;
  const [from, until] = [raw.from, raw.until].map((end) =>
    parseInstant(typeof end === "string" ? end : null),
  );
  if (from && until && from < until) {
    search.from = from.toISOString();
    search.until = until.toISOString();
  }
  return search;
}

/** Text of digits alone comes out of the address as a number. */
function textOf(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

/** The range that is asked for. */
export function rangeOf({ range = "24h", from, until }: RangeSearch): RangeOfTime {
  return from !== undefined && until !== undefined
    ? { from, until }
    : { minutes: healthRanges[range].minutes };
}

/** "2026-11-23 14:05 to 15:10". */
export function rangeWords({ from, until }: OwnRange): string {
  return shownSpan(new Date(from), new Date(until), "to");
}
