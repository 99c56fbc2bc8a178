import type { AuditFilter, Moment } from "../bindings";

/** Every cache key, so that what a mutation invalidates can be read beside what a query provides. */
export const keys = {
  extensions: {
    all: ["extensions"],
    list: () => ["extensions", "list"],
    detail: (id: string) => ["extensions", "detail", id],
    schema: (id: string, type: string) => ["extensions", "schema", id, type],
    effects: (ids: readonly string[]) => ["extensions", "effects", ids],
    secretNames: () => ["extensions", "secret-names"],
    check: (id: string, type: string, config: string) => ["configuration-check", id, type, config],
    setEnabled: () => ["extensions", "set-enabled"],
    setManyEnabled: () => ["extensions", "set-many-enabled"],
  },
  audit: {
    all: ["audit"],
    newer: (filter: AuditFilter, revision: number) => ["audit", "newer", filter, revision],
    /** The history of one extension. */
    history: (extensionId: string) => ["audit", "history", extensionId],
    changedSince: (moment: Moment | null) => ["audit", "changed-since", moment],
    extensionDifference: (extensionId: string, from: Moment | "now", to: Moment | "now") => [
      "audit",
      "extension-difference",
      extensionId,
      from,
      to,
    ],
    /** Not below "audit": the past stays as it was. */
    asOf: (moment: Moment | null) => ["registry-as-of", moment],
    /** Not below "audit": entries never change, and what is new above them is asked for by itself. */
    timeline: (filter: AuditFilter) => ["audit-timeline", filter],
    /** Not below "audit": under a stream of changes it would be counted anew for each of them. */
    activity: (filter: AuditFilter) => ["audit-activity", filter],
    /** Not below "audit": a change does not make what was verified less so. */
    verification: () => ["audit-verification"],
  },
  access: {
    all: ["access"],
    permissions: () => ["access", "permissions"],
  },
  health: {
    all: ["health"],
    list: () => ["health", "list"],
    overview: (minutes: number) => ["health", "overview", minutes],
  },
  cache: {
    all: ["cache"],
    stats: () => ["cache", "stats"],
    consumers: () => ["cache", "consumers"],
  },
  /** Not below "extensions": a preview stays as it was looked at until it is asked for anew. */
  importPlan: (file: number | null, prune: boolean) => ["import-plan", file, prune],
  application: {
    all: ["application"],
    info: () => ["application", "info"],
    profile: () => ["application", "profile"],
    noticesPaused: () => ["application", "notices-paused"],
  },
} as const;
