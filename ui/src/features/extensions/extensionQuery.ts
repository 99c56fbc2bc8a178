import type { ExtensionRow } from "../../api/extensions";
import type { ExtensionType, HealthState } from "../../bindings";

export const extensionTypes: readonly ExtensionType[] = ["pre", "validator", "post", "provider"];
export const healthStates: readonly HealthState[] = ["failing", "degraded", "healthy", "no_data"];

export const healthWords: Record<HealthState, string> = {
  failing: "Failing",
  degraded: "Degraded",
  healthy: "Healthy",
  no_data: "No data",
};

/** A state of the health as one types it. */
export function healthTerm(state: HealthState): string {
  return state.replace("_", "-");
}

/** What the search box asks for. Terms of one kind are alternatives; the kinds and the words must all match. */
export type ExtensionQuery = {
  types: ExtensionType[];
  states: ("on" | "off")[];
  health: HealthState[];
  /** Parts of the subject; all must occur. */
  subjects: string[];
  /** Parts of the id; all must occur. */
  ids: string[];
  /** Who changed it last; one of them. */
  actors: string[];
  /** Parts of the id, the type or the subject; all must occur. */
  words: string[];
  /** Terms that name a kind but no value of it, such as `type:vaildator`: nothing can match them. */
  unknown: string[];
};

const stateNames: Record<string, "on" | "off"> = {
  on: "on",
  enabled: "on",
  off: "off",
  disabled: "off",
};

/** Reads `type:provider is:disabled health:failing subject:pii by:anna claude`; a comma separates alternatives. */
export function parseQuery(text: string): ExtensionQuery {
  const query: ExtensionQuery = {
    types: [],
    states: [],
    health: [],
    subjects: [],
    ids: [],
    actors: [],
    words: [],
    unknown: [],
  };
  for (const term of text.toLowerCase().split(/\s+/).filter(Boolean)) {
    const colon = term.indexOf(":");
    const values = term
      .slice(colon + 1)
      .split(",")
      .filter(Boolean);
    const kind = colon < 0 ? null : term.slice(0, colon);
    // A term that is still being typed, `type:`, holds nothing back.
    switch (kind) {
      case "type":
        collect(
          values,
          (value) => extensionTypes.find((type) => type === value),
          query.types,
          query.unknown,
          kind,
        );
        break;
      case "is":
        collect(values, (value) => stateNames[value], query.states, query.unknown, kind);
        break;
      case "health":
        collect(
          values,
          (value) => healthStates.find((state) => healthTerm(state) === value || state === value),
          query.health,
          query.unknown,
          kind,
        );
        break;
      case "subject":
        query.subjects.push(...values);
        break;
      case "id":
        query.ids.push(...values);
        break;
      case "by":
        query.actors.push(...values);
        break;
      default:
        query.words.push(term);
    }
  }
  return query;
}

function collect<T>(
  values: string[],
  read: (value: string) => T | undefined,
  found: T[],
  unknown: string[],
  kind: string,
) {
  for (const value of values) {
    const known = read(value);
    if (known === undefined) unknown.push(`${kind}:${value}`);
    else found.push(known);
  }
}

/** Lower-case text of a row, made once: typing looks through ten thousand of them. */
const searchTexts = new WeakMap<ExtensionRow, string>();

function searchText(row: ExtensionRow): string {
  const known = searchTexts.get(row);
  if (known !== undefined) return known;
  const text = `${row.id} ${row.type} ${row.subject}`.toLowerCase();
  searchTexts.set(row, text);
  return text;
}

export function matches(row: ExtensionRow, query: ExtensionQuery): boolean {
  return (
    query.unknown.length === 0 &&
    oneOf(query.types, row.type) &&
    oneOf(query.states, row.enabled ? "on" : "off") &&
    oneOf(query.health, row.health) &&
    oneOf(query.actors, (row.last_change?.changed_by ?? "unknown").toLowerCase()) &&
    query.subjects.every((part) => row.subject.toLowerCase().includes(part)) &&
    query.ids.every((part) => row.id.toLowerCase().includes(part)) &&
    query.words.every((word) => searchText(row).includes(word))
  );
}

function oneOf<T>(allowed: readonly T[], value: T): boolean {
  return allowed.length === 0 || allowed.includes(value);
}

/** The kinds of terms for which there are chips. */
export type TermKind = "type" | "is" | "health";

/** The text with the terms of one kind replaced by these values; the rest stays as it was typed. */
export function withTerm(text: string, kind: TermKind, values: readonly string[]): string {
  const others = text.split(/\s+/).filter((term) => term && !term.toLowerCase().startsWith(`${kind}:`));
  const term = values.length > 0 ? [`${kind}:${values.join(",")}`] : [];
  return [...term, ...others].join(" ");
}

export type RowCounts = {
  all: number;
  on: number;
  off: number;
  types: Record<ExtensionType, number>;
  health: Record<HealthState, number>;
};

/** How many of the rows a chip would show. */
export function countRows(rows: readonly ExtensionRow[]): RowCounts {
  const counts: RowCounts = {
    all: rows.length,
    on: 0,
    off: 0,
    types: { pre: 0, validator: 0, post: 0, provider: 0 },
    health: { failing: 0, degraded: 0, healthy: 0, no_data: 0 },
  };
  for (const row of rows) {
    if (row.enabled) counts.on += 1;
    else counts.off += 1;
    counts.types[row.type] += 1;
    counts.health[row.health] += 1;
  }
  return counts;
}
