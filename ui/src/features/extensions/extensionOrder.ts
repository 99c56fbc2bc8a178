import type { ExtensionRow } from "../../api/extensions";
import type { ExtensionType } from "../../bindings";

export const sortColumns = [
  "id",
  "type",
  "subject",
  "timeout_ms",
  "retry",
  "enabled",
  "health",
  "last_change",
] as const;

export type SortColumn = (typeof sortColumns)[number];

export type SortOrder = { column: SortColumn; descending: boolean };

/** By kind, then by name: neighbours do the same job, and a switch moves no row. */
export const defaultOrder: SortOrder = { column: "type", descending: false };

/** The order in which the registry's schema lists the types. */
const typeRank: Record<ExtensionType, number> = { pre: 0, validator: 1, post: 2, provider: 3 };

type Comparison = (a: ExtensionRow, b: ExtensionRow) => number;

const comparisons: Record<SortColumn, Comparison> = {
  id: byText((row) => row.id),
  type: (a, b) => typeRank[a.type] - typeRank[b.type],
  subject: byText((row) => row.subject),
  timeout_ms: (a, b) => a.timeout_ms - b.timeout_ms,
  retry: (a, b) => a.retry - b.retry,
  // On before off, newest change first: what one looks for is on top at the first click.
  enabled: (a, b) => Number(b.enabled) - Number(a.enabled),
  // What fails first; what has no data last, because nothing is known to be wrong with it.
  health: (a, b) => (a.health_score_percent ?? 101) - (b.health_score_percent ?? 101),
  last_change: (a, b) => changedAt(b) - changedAt(a),
};

export function sortExtensions(rows: readonly ExtensionRow[], order: SortOrder): ExtensionRow[] {
  const compare = comparisons[order.column];
  const sign = order.descending ? -1 : 1;
  return rows.toSorted((a, b) => sign * compare(a, b) || comparisons.id(a, b));
}

/** The order after a click on a column's head. */
export function nextOrder(order: SortOrder, column: SortColumn): SortOrder {
  return { column, descending: order.column === column && !order.descending };
}

/** As it stands in the address: the column's name, with a minus in front where the order is turned round. */
export function orderText(order: SortOrder): string {
  return `${order.descending ? "-" : ""}${order.column}`;
}

/** The order that such a text names; the usual one for any other text. */
export function parseOrder(text: string | undefined): SortOrder {
  const name = text?.replace(/^-/, "");
  const column = sortColumns.find((candidate) => candidate === name);
  return column ? { column, descending: text?.startsWith("-") ?? false } : defaultOrder;
}

function byText(read: (row: ExtensionRow) => string): Comparison {
  return (a, b) => (read(a) < read(b) ? -1 : Number(read(a) > read(b)));
}

/** Parsed once: sorting ten thousand rows compares each a dozen times. */
const changeTimes = new WeakMap<ExtensionRow, number>();

function changedAt(row: ExtensionRow): number {
  const known = changeTimes.get(row);
  if (known !== undefined) return known;
  const timestamp = row.last_change?.timestamp;
  const time = timestamp ? Date.parse(timestamp) : 0;
  changeTimes.set(row, time);
  return time;
}
