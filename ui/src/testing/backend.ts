import { emit } from "@tauri-apps/api/event";
import { mockIPC } from "@tauri-apps/api/mocks";
import { act } from "@testing-library/react";
import type {
  ApplicationInfo,
  AuditActivity,
  AuditEntry,
  AuditFilter,
  AuditGroup,
  AuditListRequest,
  AuditPage,
  BackupFile,
  BackupOverview,
  BulkProgressed,
  CacheReport,
  ChangeNote,
  ConnectionProfile,
  ConnectionState,
  ConsumerReport,
  DailyBackups,
  DatabaseStatus,
  ErrorReport,
  ExportedFile,
  ExportProgressed,
  Extension,
  ExtensionComparison,
  ExtensionDetail,
  ExtensionDifference,
  ExtensionDraft,
  ExtensionListRequest,
  ExtensionPage,
  HealthAlarms,
  HealthLimits,
  HealthLooked,
  HealthOverview,
  HealthReport,
  HealthRetention,
  HealthSeries,
  HealthSeriesRequest,
  HealthSparkline,
  HealthThreshold,
  KeptProfile,
  KnownCalls,
  LastVerification,
  MenuAction,
  Moved,
  NatsConnectionTest,
  NatsSettingsRequest,
  NatsStatus,
  ParsedConnectionUrl,
  PastRegistry,
  Permissions,
  ProbeReport,
  ProbeStep,
  ProfileProblem,
  RegistryPlan,
  Replaced,
  SafetyTrouble,
  SchemaScope,
  SeenExtension,
  SetEnabledRequest,
  SetManyEnabledRequest,
  TestMessage,
  TestReport,
  TrafficEffects,
  UndoTarget,
  UpdateRequest,
  Verification,
  VerificationProgress,
  VerificationScope,
  Violation,
  WorkProgress,
} from "../bindings";
import {
  auditEntry,
  backupOverview,
  cacheReport,
  embedded,
  extension,
  extensionDetail,
  extensionNotFound,
  healthOverview,
  healthSeries,
  limitsHeld,
  movedOn,
  natsSetUp,
  probeStep,
  readyStatus,
  remoteDatabase,
  sixExtensions,
  testReport,
  verification,
} from "./fixtures";

/** A backend at the IPC boundary: what it holds can be set, and what it was asked can be read. */
export type Backend = {
  status: DatabaseStatus;
  extensions: Extension[];
  /** No page of extensions is longer than this, whatever was asked for. */
  extensionPageSize: number;
  auditEntries: AuditEntry[];
  /** So many entries are looked at for one page of a search. */
  searchedAtMost: number;
  activity: AuditActivity;
  /** The file that an export of the log writes; null if it is stopped. */
  exported: ExportedFile | null;
  actors: string[];
  /** What any group is. */
  group: AuditGroup;
  /** What one extension is at any two moments; null where `past` has it at both and nothing differs. */
  comparison: ExtensionComparison | null;
  /** What a verification finds; null if it is stopped. */
  verification: Verification | null;
  /** What was found at an earlier start. */
  lastVerification: LastVerification | null;
  health: HealthReport[];
  overview: HealthOverview;
  alarms: HealthAlarms;
  limits: HealthThreshold[];
  retention: HealthRetention;
  /** By extension; one without has none. */
  series: Map<string, HealthSeries>;
  sparklines: HealthSparkline[];
  past: PastRegistry;
  /** What any two moments differ in. */
  differences: ExtensionDifference[];
  /** What any file would change. */
  plan: RegistryPlan;
  /** The configurations by id; an extension without one here has a small one. */
  configurations: Map<string, string>;
  violations: Violation[];
  /** The schema of every configuration, as JSON text. */
  schema: string | null;
  cache: CacheReport;
  permissions: Permissions;
  profiles: KeptProfile[];
  /** The id of the profile in use. */
  active: string;
  /** What is wrong with any profile that is not in use. */
  profileProblems: ProfileProblem[];
  /** What any URL says. */
  parsedUrl: ParsedConnectionUrl;
  /** What comes of any test of a profile. */
  probe: ProbeReport;
  /** What the connection is; null for the embedded database. */
  connectionState: ConnectionState | null;
  /** Whether taking the last enabled extension of a type, or any, out of service must be confirmed. */
  asksAbout: "none" | "last" | "each";
  consumers: ConsumerReport[];
  nats: NatsStatus;
  /** What comes of any attempt to connect to NATS. */
  natsTest: NatsConnectionTest;
  /** What any extension is tried with. */
  testMessage: TestMessage;
  /** What comes of any test message; null: it was stopped. */
  testReport: TestReport | null;
  /** The calls of the last day that routers have recorded, the most first. */
  knownCalls: KnownCalls[];
  application: ApplicationInfo;
  zoomPercent: number;
  /** A command named here fails with this error. */
  failures: Map<string, ErrorReport>;
  /** A command named here is answered when the promise resolves. */
  holds: Map<string, Promise<void>>;
  /** The answer of a command named here arrives so many milliseconds after it was made. */
  delaysMs: Map<string, number>;
  /** The answer of a command named here is made at once and arrives when the promise resolves. */
  answersHeld: Map<string, Promise<void>>;
  calls: { command: string; args: unknown }[];
  callsOf: (command: string) => unknown[];
  /** The request that changed an extension last, by its id. */
  requests: Map<string, string>;
  /** Tells of a change as the backend does, whoever made it; without ids any may have changed. */
  emitChange: (ids?: readonly string[]) => Promise<void>;
  /** How safe the data is. */
  backups: BackupOverview;
  /** The backups by folder; "" is that of the daily ones. */
  backupFiles: Map<string, BackupFile[]>;
  /** The file that a backup is written to; null: it was stopped. */
  backedUp: BackupFile | null;
  /** What comes of a restore; null: it was stopped. */
  replaced: Replaced | null;
  /** What comes of a move; null: it was stopped. */
  moved: Moved | null;
  /** What is chosen in the desktop's dialogs. */
  chosenPath: string | null;
  /** Tells how far the work with backups is as the backend does. */
  emitBackupWork: (work: WorkProgress | null) => Promise<void>;
  /** Tells of a danger to the data as the backend does. */
  emitTrouble: (began: SafetyTrouble) => Promise<void>;
  /** The link that the application was told to open. */
  link: string | null;
  /** Tells that there is a link as the backend does. */
  emitLink: () => Promise<void>;
  /** Somebody has stopped every change of several extensions. */
  isStopped: boolean;
  /** Tells how far a change of several extensions is as the backend does. */
  emitBulkProgress: (progressed: BulkProgressed) => Promise<void>;
  /** Tells how far a verification is as the backend does. */
  emitProgress: (progress: VerificationProgress) => Promise<void>;
  /** Tells of a look at health as the backend does. */
  emitLook: (crossings: HealthLooked["crossings"]) => Promise<void>;
  /** Tells of a click on a notice of the desktop as the backend does. */
  emitNoticeOpened: (extensionId: string | null) => Promise<void>;
  /** Tells of an entry of the menu that was chosen as the backend does. */
  emitMenu: (action: MenuAction) => Promise<void>;
  /** Tells that somebody wants to quit, as the backend does while something is not saved. */
  emitQuitAsked: () => Promise<void>;
  /** Tells whether notices are held back as the backend does. */
  emitNoticesPaused: (isPaused: boolean) => Promise<void>;
  /** Tells how far an export is as the backend does. */
  emitExported: (progress: ExportProgressed) => Promise<void>;
  /** Tells that a step of a test of a profile has ended as the backend does. */
  emitTested: (step: ProbeStep) => Promise<void>;
  /** Tells what the connection is as the backend does. */
  emitConnection: (state: ConnectionState) => Promise<void>;
  /** Sends a database status as the backend does. */
  emitStatus: (status: DatabaseStatus) => Promise<void>;
};

/** Emits an event and waits until what it changed is shown: the cache tells its readers in the next turn. */
function tell(event: string, payload: unknown): Promise<void> {
  return act(async () => {
    await emit(event, payload);
    await new Promise((done) => setTimeout(done));
  });
}

export function startBackend(): Backend {
  const backend: Backend = {
    status: readyStatus,
    extensions: sixExtensions(),
    extensionPageSize: 10_000,
    auditEntries: [],
    searchedAtMost: 2_000,
    activity: {
      edges: Array.from({ length: 25 }, (_, hour) => new Date(Date.UTC(2026, 10, 22, hour)).toISOString()),
      counts: Array.from({ length: 24 }, () => 0),
      bucket: { amount: 1, unit: "hour" },
      counted_since: null,
    },
    exported: { path: "/downloads/audit-log.csv", count: 0 },
    actors: [],
    group: { count: 3, has_more: false, actions: ["disabled"] },
    comparison: null,
    verification: verification(0),
    lastVerification: null,
    health: [],
    overview: healthOverview([]),
    alarms: { alarms: [], is_sample: false, looked_at: "2026-01-01T00:00:00Z" },
    limits: [
      limitsHeld("pre", 95),
      limitsHeld("validator", 95),
      limitsHeld("post", 95),
      limitsHeld("provider", 90),
    ],
    retention: { minutes_kept_days: 7, hours_kept_days: 90, days_kept_days: null },
    series: new Map(),
    sparklines: [],
    past: { revision: 0, extensions: [] },
    differences: [],
    plan: { revision: 1204, changes: [], unchanged_count: 0, only_in_registry_count: 0, problems: [] },
    configurations: new Map(),
    violations: [],
    schema: null,
    cache: cacheReport(),
    permissions: {
      login: "editor",
      works_as: null,
      can_view: true,
      can_switch: true,
      can_edit: true,
      can_audit: true,
      can_edit_schemas: true,
      can_test: true,
    },
    profiles: [{ profile: embedded, password: null }],
    active: embedded.id,
    profileProblems: [],
    parsedUrl: { database: remoteDatabase(), password: null },
    probe: {
      server: "db-1.example:5432",
      role: "primary",
      steps: [probeStep("resolve"), probeStep("connect")],
      is_tls_weak: false,
      schema: { kind: "up_to_date", value: { version: 18 } },
    },
    connectionState: null,
    asksAbout: "none",
    consumers: [],
    nats: natsSetUp,
    natsTest: {
      server: {
        name: "nats-1",
        version: "2.9.10",
        cluster: null,
        is_encrypted: false,
        max_payload_bytes: 1_048_576,
        connected_in_ms: 3.21,
      },
      failure: null,
    },
    testMessage: {
      type_payload: '{"test": true}',
      own_payload: null,
      check_every_seconds: null,
      last_check_at: null,
    },
    testReport: testReport(),
    knownCalls: [],
    zoomPercent: 100,
    application: {
      version: "0.1.0",
      data_directory: "/data/registry",
      log_directory: "/logs/registry",
      log_level: "info",
      server_binaries: null,
      start_phases: [
        { name: "window_created", elapsed_ms: 180.4 },
        { name: "table_shown", elapsed_ms: 1104 },
      ],
    },
    failures: new Map(),
    holds: new Map(),
    delaysMs: new Map(),
    answersHeld: new Map(),
    calls: [],
    callsOf: (command) => backend.calls.filter((call) => call.command === command).map((call) => call.args),
    requests: new Map(),
    emitChange: (ids) => tell("registry-changed", { revision: 1205, extension_ids: ids ?? null }),
    backups: backupOverview(),
    backupFiles: new Map(),
    backedUp: null,
    replaced: null,
    moved: null,
    chosenPath: null,
    emitBackupWork: async (work) => {
      backend.backups = { ...backend.backups, work };
      await tell("backup-work-progressed", work);
    },
    emitTrouble: async (began) => {
      backend.backups = { ...backend.backups, troubles: [began] };
      await tell("safety-troubles-changed", { troubles: [began], began });
    },
    link: null,
    emitLink: () => tell("link-opened", null),
    isStopped: false,
    emitBulkProgress: (progressed) => tell("bulk-progressed", progressed),
    emitProgress: (progress) => tell("verification-progressed", progress),
    emitLook: (crossings) => tell("health-looked", { now: backend.alarms, crossings }),
    emitNoticeOpened: (extension_id) => tell("health-notice-opened", { extension_id }),
    emitMenu: (action) => tell("menu-chosen", action),
    emitQuitAsked: () => tell("quit-asked", null),
    emitNoticesPaused: (isPaused) => tell("notices-paused", isPaused),
    emitExported: (progress) => tell("export-progressed", progress),
    emitTested: (step) => tell("connection-tested", step),
    emitConnection: async (state) => {
      backend.connectionState = state;
      await tell("connection-state-changed", state);
    },
    emitStatus: async (status) => {
      backend.status = status;
      await tell("database-status-changed", status);
    },
  };

  mockIPC(
    async (command, args) => {
      backend.calls.push({ command, args });
      await backend.holds.get(command);
      const failure = backend.failures.get(command);
      // The bridge rejects with the plain object that the backend serialised.
      if (failure) throw failure;
      const answered = structuredClone(answer(backend, command, args));
      const delayMs = backend.delaysMs.get(command);
      if (delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, delayMs));
      await backend.answersHeld.get(command);
      return answered;
    },
    { shouldMockEvents: true },
  );
  return backend;
}

function answer(backend: Backend, command: string, args: unknown): unknown {
  switch (command) {
    case "database_status":
      return backend.status;
    case "list_extensions":
      return extensionPage(backend, (args as { request: ExtensionListRequest }).request);
    case "set_extension_enabled": {
      const { request } = args as { request: SetEnabledRequest };
      guard(backend, request.note, request.enabled ? [] : [request.id]);
      return setEnabled(backend, request);
    }
    case "traffic_effects":
      return trafficEffects(backend, (args as { ids: string[] }).ids);
    case "backup_overview":
      return backend.backups;
    case "safety_troubles":
      return backend.backups.troubles;
    case "list_backups":
      return backend.backupFiles.get((args as { folder: string | null }).folder ?? "") ?? [];
    case "make_backup":
      return backend.backedUp;
    case "describe_backup":
    case "verify_backup": {
      const { path } = args as { path: string };
      return [...backend.backupFiles.values()].flat().find((file) => file.path === path);
    }
    case "restore_backup":
    case "upgrade_database":
      return backend.replaced;
    case "delete_kept_database": {
      const { path } = args as { path: string };
      const kept = backend.backups.kept.filter((database) => database.path !== path);
      backend.backups = { ...backend.backups, kept };
      return null;
    }
    case "set_daily_backups": {
      const { dailyBackups } = args as { dailyBackups: DailyBackups };
      backend.backups = { ...backend.backups, settings: dailyBackups };
      return null;
    }
    case "stop_backup_work":
    case "show_backup":
    case "switch_connection":
      return null;
    case "choose_folder":
    case "choose_backup":
      return backend.chosenPath;
    case "move_registry":
      return backend.moved;
    case "notices_paused":
      return false;
    case "zoom_percent":
      return backend.zoomPercent;
    case "set_zoom_percent":
      backend.zoomPercent = (args as { percent: number }).percent;
      return null;
    case "connection_profiles":
      return { profiles: backend.profiles, active: backend.active };
    case "check_connection_profile":
      return backend.profileProblems;
    case "save_connection_profile": {
      const { profile, password } = args as { profile: ConnectionProfile; password: string | null };
      saveProfile(backend, profile, password);
      return { profiles: backend.profiles, active: backend.active };
    }
    case "remove_connection_profile": {
      const { id } = args as { id: string };
      backend.profiles = backend.profiles.filter(({ profile }) => profile.id !== id);
      return { profiles: backend.profiles, active: backend.active };
    }
    case "parse_connection_url":
      return backend.parsedUrl;
    case "connection_url":
      return "postgres://anna@db-1.example:5432,db-2.example:5433/registry";
    case "test_connection":
      return backend.probe;
    case "connection_state":
      return backend.connectionState;
    case "export_connection_profiles":
      return { path: "/downloads/connections.json", count: backend.profiles.length };
    case "import_connection_profiles":
      backend.profiles = [...backend.profiles, ...JSON.parse((args as { text: string }).text)];
      return { profiles: backend.profiles, active: backend.active };
    case "take_link": {
      const { link } = backend;
      backend.link = null;
      return link;
    }
    case "extension_document": {
      const { id, format } = args as { id: string; format: string };
      return `${format}: ${detailOf(backend, id).extension.id}\n`;
    }
    case "stop_change":
      backend.isStopped = true;
      return null;
    case "set_extensions_enabled": {
      const { request } = args as { request: SetManyEnabledRequest };
      guard(backend, request.note, request.enabled ? [] : request.ids);
      if (backend.isStopped) return false;
      for (const id of request.ids) setEnabled(backend, { ...request, id });
      return true;
    }
    case "delete_extensions": {
      const { seen, note } = args as { seen: SeenExtension[]; note: ChangeNote };
      const gone = new Set(seen.map(({ id }) => id));
      guard(backend, note, [...gone]);
      backend.extensions = backend.extensions.filter(({ id }) => !gone.has(id));
      return true;
    }
    case "list_audit_entries":
      return auditPage(backend, (args as { request: AuditListRequest }).request);
    case "audit_activity":
      return backend.activity;
    case "audit_group":
      return backend.group;
    case "list_audit_actors":
      return backend.actors;
    case "revision_at":
      return revisionAt(backend, (args as { time: string }).time);
    case "compare_extension":
      return compared(backend, (args as { id: string }).id);
    case "verify_audit_log":
      return verified(backend, (args as { scope: VerificationScope }).scope);
    case "last_verification":
      return backend.lastVerification;
    case "list_health":
      return backend.health;
    case "health_overview":
      return backend.overview;
    case "health_alarms":
      return backend.alarms;
    case "list_health_thresholds":
      return backend.limits;
    case "set_health_threshold": {
      const { scope, limits } = args as { scope: SchemaScope; limits: HealthLimits | null };
      setLimits(backend, scope, limits);
      return null;
    }
    case "health_retention":
      return backend.retention;
    case "set_health_retention":
      backend.retention = (args as { retention: HealthRetention }).retention;
      return null;
    case "health_series": {
      const { extension_ids } = (args as { request: HealthSeriesRequest }).request;
      return extension_ids.map((id) => backend.series.get(id) ?? noSeries(id));
    }
    case "health_sparklines":
      return { range: backend.overview.range, step_minutes: 60, sparklines: backend.sparklines };
    case "fill_with_sample_traffic":
    case "remove_sample_traffic":
      return null;
    case "read_changed_extensions": {
      const { ids } = args as { ids: string[] };
      return backend.extensions
        .filter(({ id }) => ids.includes(id))
        .map((extension) => ({ extension, request_id: backend.requests.get(extension.id) ?? null }));
    }
    case "get_extension":
      return detailOf(backend, (args as { id: string }).id);
    case "create_extension": {
      const { draft } = args as { draft: ExtensionDraft };
      const { config, metadata, ...row } = draft;
      backend.extensions = [...backend.extensions, extension(row.id, row)];
      backend.configurations.set(row.id, config);
      return { ...detailOf(backend, row.id), metadata };
    }
    case "update_extension": {
      const { seen, patch, note } = (args as { request: UpdateRequest }).request;
      guard(backend, note, patch.enabled === false ? [seen.id] : []);
      if (patch.config !== null) backend.configurations.set(seen.id, patch.config);
      return detailOf(backend, seen.id);
    }
    case "check_configuration":
      return backend.violations;
    case "configuration_schema_of":
      return backend.schema;
    case "list_secret_names":
      return [{ name: "pin_code", is_builtin: false }];
    case "permissions":
      return backend.permissions;
    case "registry_as_of":
      return backend.past;
    case "registry_difference":
      return backend.differences;
    case "undo_changes":
      return undo(backend, (args as { target: UndoTarget }).target);
    case "export_audit_log":
      return backend.exported && { ...backend.exported, count: backend.auditEntries.length };
    case "export_registry": {
      const { ids, format } = args as { ids: string[] | null; format: string };
      return { path: `/downloads/registry.${format}`, count: ids?.length ?? backend.extensions.length };
    }
    case "plan_import":
      return backend.plan;
    case "apply_import":
      return { created_count: 1, changed_count: 1, deleted_count: 0 };
    case "nats_status":
      return backend.nats;
    case "set_nats_settings": {
      const { settings, secret } = (args as { request: NatsSettingsRequest }).request;
      const isNeeded = settings.authentication.kind !== "none";
      backend.nats = { settings, secret: isNeeded ? (secret ? "session" : "missing") : "not_needed" };
      return backend.nats;
    }
    case "remove_nats_settings":
      backend.nats = { settings: null, secret: "not_needed" };
      return backend.nats;
    case "test_nats_connection":
      return backend.natsTest;
    case "test_message":
      return backend.testMessage;
    case "set_test_payload": {
      const { scope, payload } = args as { scope: SchemaScope; payload: string | null };
      if (scope.kind === "extension") backend.testMessage.own_payload = payload;
      else backend.testMessage.type_payload = payload ?? "";
      return null;
    }
    case "set_test_schedule":
      backend.testMessage.check_every_seconds = (
        args as { checkEverySeconds: number | null }
      ).checkEverySeconds;
      return null;
    case "send_test_message":
      return backend.testReport;
    case "cache_stats":
      return backend.cache;
    case "list_consumers":
      return backend.consumers;
    case "reload_cache":
      backend.cache.load_count += 1;
      return backend.cache.revision;
    case "acknowledge_divergence":
      backend.cache = { ...backend.cache, state: "fresh", divergence: null };
      return null;
    case "application_info":
      return backend.application;
    case "set_log_level":
      backend.application.log_level = (args as { level: ApplicationInfo["log_level"] }).level;
      return null;
    default:
      return null;
  }
}

/** Keeps a profile, and tells of it where it is the one in use. */
function saveProfile(backend: Backend, profile: ConnectionProfile, password: string | null) {
  const before = backend.profiles.find((kept) => kept.profile.id === profile.id);
  const kept: KeptProfile = {
    profile,
    password: password === null ? (before?.password ?? null) : password === "" ? null : "keychain",
  };
  backend.profiles = before
    ? backend.profiles.map((each) => (each === before ? kept : each))
    : [...backend.profiles, kept];
  if (profile.id !== backend.active || backend.status.state !== "ready") return;
  const { database } = backend.status.connection.profile;
  // The backend opens it anew then, which a test tells by itself.
  if (password !== null || JSON.stringify(database) !== JSON.stringify(profile.database)) return;
  backend.status = { ...backend.status, connection: { ...backend.status.connection, profile } };
  void emit("database-status-changed", backend.status);
}

/** Has the registry in use ask more of those who change it. */
export function protect(
  backend: Backend,
  asks: Partial<Pick<ConnectionProfile, "is_production" | "is_reason_required">>,
): void {
  backend.profiles = backend.profiles.map((kept) =>
    kept.profile.id === backend.active ? { ...kept, profile: { ...kept.profile, ...asks } } : kept,
  );
  if (backend.status.state !== "ready") return;
  const { connection } = backend.status;
  backend.status = {
    ...backend.status,
    connection: { ...connection, profile: { ...connection.profile, ...asks } },
  };
}

function setLimits(backend: Backend, scope: SchemaScope, limits: HealthLimits | null) {
  const others = backend.limits.filter(
    (held) => held.scope.kind !== scope.kind || held.scope.value !== scope.value,
  );
  if (limits === null) backend.limits = others;
  else if (scope.kind === "extension")
    backend.limits = [...others, { ...limitsHeld("pre", null), scope, limits }];
  else backend.limits = backend.limits.map((held) => (others.includes(held) ? held : { ...held, limits }));
}

/** Of an extension that nobody called. */
function noSeries(id: string): HealthSeries {
  const series = healthSeries(id, [null, null], { state: "no_data" });
  const none = { score_percent: null, mean_ms: null, p50_ms: null, p95_ms: null, p99_ms: null, max_ms: null };
  return { ...series, total: { ...series.total, ...none, success_count: 0, failure_count: 0 } };
}

function trafficEffects(backend: Backend, ids: readonly string[]): TrafficEffects {
  const leaving = backend.extensions.filter(({ id, enabled }) => enabled && ids.includes(id));
  return {
    extension_ids: leaving.map(({ id }) => id),
    types: [...new Set(leaving.map(({ type }) => type))].map((type) => {
      const ofType = backend.extensions.filter((row) => row.type === type && row.enabled);
      const leaving_count = leaving.filter((row) => row.type === type).length;
      return { type, leaving_count, remaining_count: ofType.length - leaving_count };
    }),
    known_calls: backend.knownCalls.filter(({ extension_id }) =>
      leaving.some(({ id }) => id === extension_id),
    ),
    revision: backend.cache.revision,
    consumers: backend.consumers.map(({ name, host, applied_revision }) => ({
      name,
      host,
      applied_revision,
    })),
  };
}

/** What the core refuses for want of an answer. */
function guard(backend: Backend, note: ChangeNote, ids: readonly string[]) {
  const refusal = { message: "refused", action: "Answer.", detail: null, field: null, facts: null };
  const { status } = backend;
  const asks = status.state === "ready" && status.connection.profile.is_reason_required;
  if (asks && note.reason === null)
    throw { ...refusal, code: "reason_required", field: "reason" } satisfies ErrorReport;
  const value = trafficEffects(backend, ids);
  if (backend.asksAbout === "none" || value.extension_ids.length === 0) return;
  const isUntold = value.types.some(
    ({ type, remaining_count }) => remaining_count === 0 && !note.confirmed?.includes(type),
  );
  if (isUntold || (backend.asksAbout === "each" && note.confirmed === null))
    throw {
      ...refusal,
      code: "confirmation_required",
      facts: { kind: "effects", value },
    } satisfies ErrorReport;
}

function extensionPage(backend: Backend, { after, limit }: ExtensionListRequest): ExtensionPage {
  const start = after === null ? 0 : backend.extensions.findIndex(({ id }) => id === after.id) + 1;
  const end = start + Math.min(limit, backend.extensionPageSize);
  const extensions = backend.extensions.slice(start, end);
  const last = extensions.at(-1);
  const more = end < backend.extensions.length;
  return { extensions, next: more && last ? { value: last.type, id: last.id } : null };
}

function detailOf(backend: Backend, id: string): ExtensionDetail {
  const row = backend.extensions.find((candidate) => candidate.id === id);
  if (!row) throw extensionNotFound;
  return extensionDetail(row, backend.configurations.get(id));
}

function setEnabled(
  backend: Backend,
  request: Pick<SetEnabledRequest, "id" | "enabled"> & { note: ChangeNote | null },
): Extension | undefined {
  const before = backend.extensions.find(({ id }) => id === request.id);
  if (before && before.enabled !== request.enabled) {
    const newest = Math.max(0, ...backend.auditEntries.map(({ revision }) => revision));
    const entry = auditEntry(newest + 1, {
      extension_id: request.id,
      action: request.enabled ? "enabled" : "disabled",
      request_id: request.note?.request_id ?? null,
    });
    backend.auditEntries = [entry, ...backend.auditEntries];
  }
  backend.extensions = backend.extensions.map((extension) =>
    extension.id === request.id ? { ...extension, enabled: request.enabled } : extension,
  );
  return backend.extensions.find((extension) => extension.id === request.id);
}

/** Takes back a switch, unless the extension has changed again since. */
function undo(backend: Backend, target: UndoTarget): string[] {
  const entry =
    target.kind === "revision" && backend.auditEntries.find(({ revision }) => revision === target.value);
  if (!entry || (entry.action !== "enabled" && entry.action !== "disabled")) return ["pii_guard"];
  const { extension_id: id, action, revision } = entry;
  if (backend.auditEntries.some((newer) => newer.extension_id === id && newer.revision > revision))
    throw movedOn;
  setEnabled(backend, { id, enabled: action === "disabled", note: null });
  return [id];
}

function auditPage(backend: Backend, request: AuditListRequest) {
  const { filter, before_revision, after_revision, limit } = request;
  const isUp = after_revision !== null;
  const newestFirst = backend.auditEntries.filter(
    ({ revision }) =>
      (before_revision === null || revision < before_revision) && (!isUp || revision > after_revision),
  );
  const nearestFirst = isUp ? newestFirst.toReversed() : newestFirst;
  const looked = filter.text === null ? nearestFirst : nearestFirst.slice(0, backend.searchedAtMost);
  const found = looked.filter((entry) => passes(entry, filter));
  const nearest = found.slice(0, limit);
  const lookedTo = looked.length < nearestFirst.length ? (looked.at(-1)?.revision ?? null) : null;
  const next = found.length > limit ? (nearest.at(-1)?.revision ?? null) : lookedTo;
  return {
    entries: isUp ? nearest.toReversed() : nearest,
    next_before_revision: isUp ? after_revision + 1 : next,
    next_after_revision: isUp ? next : before_revision === null ? null : before_revision - 1,
    searched: filter.text === null ? null : { oldest: 1, newest: backend.auditEntries[0]?.revision ?? 0 },
  } satisfies AuditPage;
}

function revisionAt(backend: Backend, time: string): number {
  const entry = backend.auditEntries.find(({ sealed_at }) => Date.parse(sealed_at ?? "") <= Date.parse(time));
  return entry?.revision ?? 0;
}

function compared(backend: Backend, id: string): ExtensionComparison {
  if (backend.comparison) return backend.comparison;
  const version = backend.past.extensions.find((candidate) => candidate.id === id) ?? null;
  return { before: version, after: version, changes: [] };
}

/** A verification that was made just now of all of the log. */
function verified(backend: Backend, scope: VerificationScope): LastVerification | null {
  if (!backend.verification) return null;
  const verified_at = new Date().toISOString();
  const { revision } = backend.verification;
  const whole = scope === "new" ? backend.lastVerification : null;
  backend.lastVerification = {
    found: backend.verification,
    verified_at,
    whole_revision: whole?.whole_revision ?? revision,
    whole_verified_at: whole?.whole_verified_at ?? verified_at,
  };
  return backend.lastVerification;
}

function passes(entry: AuditEntry, filter: AuditFilter): boolean {
  const sealedAt = Date.parse(entry.sealed_at ?? "");
  return (
    (filter.extension_id === null || entry.extension_id === filter.extension_id) &&
    (filter.changed_by === null || entry.changed_by === filter.changed_by) &&
    (filter.group_id === null || entry.group_id === filter.group_id) &&
    (filter.actions.length === 0 || filter.actions.includes(entry.action)) &&
    (filter.since === null || sealedAt >= Date.parse(filter.since)) &&
    (filter.until === null || sealedAt < Date.parse(filter.until)) &&
    (filter.text === null || JSON.stringify(entry).includes(filter.text))
  );
}
