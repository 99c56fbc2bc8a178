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

export type HealthRangeName = keyof typeof healthRanges | "all";

/** What of the health page stands in the address; absent is the last 24 hours. */
export type HealthSearch = { range?: HealthRangeName };

/** What is usable of an address; the rest of it is dropped. */
export function readHealthSearch(raw: Record<string, unknown>): HealthSearch {
  const { range } = raw;
  if (range === "all" || (typeof range === "string" && Object.hasOwn(healthRanges, range)))
    return { range: range as HealthRangeName };
  return {};
}
