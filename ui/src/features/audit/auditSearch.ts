import type { AuditAction, AuditFilter } from "../../bindings";
import { parseInstant, shownDateTime, shownMinute } from "../../ui/time";

export const actions: readonly AuditAction[] = ["enabled", "disabled", "updated", "created", "deleted"];

export const ranges = {
  "1h": "Last hour",
  today: "Today",
  "24h": "Last 24 hours",
  "7d": "Last 7 days",
  "30d": "Last 30 days",
} as const;

export type Range = keyof typeof ranges;

/** What of the timeline stands in the address. Absent parts let all through. */
export type AuditSearch = {
  extension?: string;
  actor?: string;
  actions?: AuditAction[];
  range?: Range;
  /** A range of its own, RFC 3339; never together with `range`. */
  since?: string;
  until?: string;
  text?: string;
  group?: string;
  /** Where in time somebody jumped to, RFC 3339; it leaves nothing out. */
  at?: string;
};

/** New values for parts of the address; undefined takes a part away. */
export type SearchChange = { [Part in keyof AuditSearch]?: AuditSearch[Part] | undefined };

/** What is usable of an address; the rest of it is dropped. */
export function readAuditSearch(raw: Record<string, unknown>): AuditSearch {
  const search: AuditSearch = {};
  for (const name of ["extension", "actor", "text", "group"] as const) {
    const value = raw[name];
    // An id of digits alone comes out of the address as a number.
    if (typeof value === "string" || typeof value === "number") {
      if (String(value) !== "") search[name] = String(value);
    }
  }
  if (Array.isArray(raw.actions)) {
    const chosen = actions.filter((action) => (raw.actions as unknown[]).includes(action));
    if (chosen.length > 0 && chosen.length < actions.length) search.actions = chosen;
  }
  const at = typeof raw.at === "string" ? parseInstant(raw.at) : null;
  if (at) search.at = at.toISOString();
  if (typeof raw.range === "string" && Object.hasOwn(ranges, raw.range)) {
    search.range = raw.range as Range;
    return search;
  }
  for (const name of ["since", "until"] as const) {
    const instant = typeof raw[name] === "string" ? parseInstant(raw[name]) : null;
    if (instant) search[name] = instant.toISOString();
  }
  if (search.since && search.until && search.since >= search.until) delete search.since;
  return search;
}

export function changedSearch(search: AuditSearch, change: SearchChange): AuditSearch {
  return readAuditSearch({ ...search, ...change });
}

export function isFiltered({ at: _at, ...filter }: AuditSearch): boolean {
  return Object.values(filter).some((value) => value !== undefined);
}

const hourMs = 3_600_000;
const rangeHours: Record<Exclude<Range, "today">, number> = { "1h": 1, "24h": 24, "7d": 168, "30d": 720 };

/** The filter that the core understands; a range that ends now begins at a whole minute. */
export function auditFilter(search: AuditSearch, now: Date): AuditFilter {
  return {
    extension_id: search.extension ?? null,
    changed_by: search.actor ?? null,
    actions: search.actions ?? [],
    since: search.range ? rangeStart(search.range, now).toISOString() : (search.since ?? null),
    until: search.until ?? null,
    group_id: search.group ?? null,
    text: search.text ?? null,
  };
}

function rangeStart(range: Range, now: Date): Date {
  if (range === "today") return new Date(now.getFullYear(), now.getMonth(), now.getDate());
  const start = new Date(now.getTime() - rangeHours[range] * hourMs);
  start.setSeconds(0, 0);
  return start;
}

/** The time range in words. */
export function rangeWords(search: AuditSearch): string | null {
  if (search.range) return ranges[search.range].toLowerCase();
  const since = search.since ? shortTime(search.since) : null;
  const until = search.until ? shortTime(search.until) : null;
  if (since && until) return `${since} to ${until}`;
  if (since) return `since ${since}`;
  if (until) return `before ${until}`;
  return null;
}

function shortTime(text: string): string {
  const instant = parseInstant(text);
  if (!instant) return text;
  return instant.getSeconds() === 0 ? shownMinute(instant) : shownDateTime(instant);
}

/** One part of what is shown, and the change of the address that takes it away. */
export type SearchPart = {
  name: string;
  value: string;
  isCode: boolean;
  without: SearchChange;
};

export function searchParts(search: AuditSearch): SearchPart[] {
  const range = rangeWords(search);
  const parts: (SearchPart | false)[] = [
    search.extension !== undefined && {
      name: "extension",
      value: search.extension,
      isCode: true,
      without: { extension: undefined },
    },
    search.actor !== undefined && {
      name: "by",
      value: search.actor,
      isCode: false,
      without: { actor: undefined },
    },
    search.actions !== undefined && {
      name: "only",
      value: search.actions.join(", "),
      isCode: false,
      without: { actions: undefined },
    },
    range !== null && {
      name: "time",
      value: range,
      isCode: false,
      without: { range: undefined, since: undefined, until: undefined },
    },
    search.group !== undefined && {
      name: "group",
      value: search.group.slice(0, 8),
      isCode: true,
      without: { group: undefined },
    },
    search.text !== undefined && {
      name: "with",
      value: search.text,
      isCode: false,
      without: { text: undefined },
    },
  ];
  return parts.filter((part) => part !== false);
}
