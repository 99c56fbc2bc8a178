import type { AuditFilter, ConnectionProfile, HealthSource, Moment } from "../bindings";
import type { RangeOfTime } from "./health";

/** Every cache key, so that what a mutation invalidates can be read beside what a query provides. */
export const keys = {
  extensions: {
    all: ["extensions"],
    list: () => ["extensions", "list"],
    detail: (id: string) => ["extensions", "detail", id],
    /** Not below "detail": it is read only where somebody looks at it. */
    document: (id: string) => ["extensions", "document", id],
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
    /** What was done to an extension in a range, to be marked on its charts. */
    marks: (extensionId: string, range: RangeOfTime) => ["audit", "marks", extensionId, range],
    /** Whether there is something new in the history of one extension. */
    newerInHistory: (extensionId: string, revision: number) => [
      "audit",
      "newer-in-history",
      extensionId,
      revision,
    ],
    group: (id: string) => ["audit-group", id],
    actors: () => ["audit-actors"],
    /** One extension compared with what it is now: below "audit", because any change may be of it. */
    comparedWithNow: (extensionId: string, from: Moment, to: Moment) => [
      "audit",
      "extension-comparison",
      extensionId,
      from,
      to,
    ],
    /** Not below "audit": the past stays as it was. */
    comparedInThePast: (extensionId: string, from: Moment, to: Moment) => [
      "extension-comparison",
      extensionId,
      from,
      to,
    ],
    asOf: (moment: Moment | null) => ["registry-as-of", moment],
    /** Not below "audit": under a stream of changes the whole registry would be compared for each of them. */
    changedSince: (moment: Moment | null) => ["changed-since", moment],
    /** Not below "audit": entries never change, and what is new above them is asked for by itself. */
    timeline: (filter: AuditFilter, at: string | null) => ["audit-timeline", filter, at],
    history: (extensionId: string) => ["audit-history", extensionId],
    /** Not below "audit": under a stream of changes it would be counted anew for each of them. */
    activity: (filter: AuditFilter) => ["audit-activity", filter],
    /** Not below "audit": a change does not make what was verified less so. */
    verification: () => ["audit-verification"],
    verifying: () => ["audit-verifying"],
    exporting: () => ["audit-exporting"],
  },
  access: {
    all: ["access"],
    permissions: () => ["access", "permissions"],
  },
  health: {
    all: ["health"],
    list: () => ["health", "list"],
    /** Not below "health": each look tells what it found. */
    alarms: () => ["health-alarms"],
    limits: () => ["health", "limits"],
    retention: () => ["health", "retention"],
    overview: (range: RangeOfTime) => ["health", "overview", range],
    series: (ids: readonly string[], range: RangeOfTime, pointsMax: number, source: HealthSource) => [
      "health",
      "series",
      ids,
      range,
      pointsMax,
      source,
    ],
    /** Not below "health": under a stream of changes those of ten thousand would be read anew for each of them. */
    sparklines: () => ["health-sparklines"],
  },
  nats: {
    all: ["nats"],
    status: () => ["nats", "status"],
  },
  testMessages: {
    all: ["test-messages"],
    of: (extensionId: string) => ["test-messages", extensionId],
  },
  cache: {
    all: ["cache"],
    stats: () => ["cache", "stats"],
    consumers: () => ["cache", "consumers"],
  },
  backups: {
    all: ["backups"],
    overview: () => ["backups", "overview"],
    files: (folder: string | null) => ["backups", "files", folder],
    file: (path: string) => ["backups", "file", path],
    /** Not below "backups": it is told, not asked for. */
    work: () => ["backup-work"],
    /** Not below "backups": each that begins or is over is told. */
    troubles: () => ["safety-troubles"],
    restoring: () => ["backup-restoring"],
  },
  /** Not below "extensions": a preview stays as it was looked at until it is asked for anew. */
  importPlan: (file: number | null, prune: boolean) => ["import-plan", file, prune],
  connections: {
    list: () => ["connections", "list"],
    /** Never with a password: there is none in a profile. */
    check: (profile: ConnectionProfile) => ["connections", "check", profile],
    state: () => ["connections", "state"],
  },
  application: {
    all: ["application"],
    info: () => ["application", "info"],
    noticesPaused: () => ["application", "notices-paused"],
    zoom: () => ["application", "zoom"],
  },
} as const;
