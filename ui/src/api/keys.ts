import type { AuditFilter } from "../bindings";

/** Every cache key, so that what a mutation invalidates can be read beside what a query provides. */
export const keys = {
  extensions: {
    all: ["extensions"],
    list: () => ["extensions", "list"],
    detail: (id: string) => ["extensions", "detail", id],
    schema: (id: string, type: string) => ["extensions", "schema", id, type],
    check: (id: string, type: string, config: string) => ["configuration-check", id, type, config],
    setEnabled: () => ["extensions", "set-enabled"],
  },
  audit: {
    all: ["audit"],
    entries: (filter: AuditFilter) => ["audit", "entries", filter],
    newest: (filter: AuditFilter) => ["audit", "newest", filter],
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
  },
  cache: {
    all: ["cache"],
    stats: () => ["cache", "stats"],
    consumers: () => ["cache", "consumers"],
  },
  application: {
    all: ["application"],
    info: () => ["application", "info"],
  },
} as const;
