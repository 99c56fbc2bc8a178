import { everyEntry } from "../../api/audit";
import type { AuditAction, AuditFilter } from "../../bindings";

export const actions: readonly AuditAction[] = ["enabled", "disabled", "updated", "created", "deleted"];

export const ranges = [
  { value: "1h", name: "Last hour", hours: 1 },
  { value: "24h", name: "Last 24 hours", hours: 24 },
  { value: "7d", name: "Last 7 days", hours: 7 * 24 },
  { value: "30d", name: "Last 30 days", hours: 30 * 24 },
] as const;

type RangeName = (typeof ranges)[number]["value"];

/** What of the log is shown, as it stands in the address. */
export type AuditSearch = {
  text?: string | undefined;
  actions?: AuditAction[] | undefined;
  range?: RangeName | undefined;
  extension?: string | undefined;
  actor?: string | undefined;
  group?: string | undefined;
};

/** Takes from an address what makes sense and leaves the rest. */
export function readAuditSearch(search: Record<string, unknown>): AuditSearch {
  const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
  const named = Array.isArray(search.actions)
    ? actions.filter((action) => (search.actions as unknown[]).includes(action))
    : [];
  const found: AuditSearch = {
    text: text(search.text),
    actions: named.length > 0 ? named : undefined,
    range: ranges.find(({ value }) => value === search.range)?.value,
    extension: text(search.extension),
    actor: text(search.actor),
    group: text(search.group),
  };
  // A name without a value would stand in the address.
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

export function isFiltered(search: AuditSearch): boolean {
  return Object.values(search).some((value) => value !== undefined);
}

export function auditFilter(search: AuditSearch, now: Date): AuditFilter {
  const hours = ranges.find(({ value }) => value === search.range)?.hours;
  return {
    ...everyEntry,
    text: search.text ?? null,
    actions: search.actions ?? [],
    since: hours === undefined ? null : new Date(now.getTime() - hours * 3_600_000).toISOString(),
    extension_id: search.extension ?? null,
    changed_by: search.actor ?? null,
    group_id: search.group ?? null,
  };
}
