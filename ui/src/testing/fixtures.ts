import type {
  AuditEntry,
  BackupFile,
  BackupOverview,
  CacheReport,
  ConnectionProfile,
  ConnectionState,
  ConsumerReport,
  DatabaseStatus,
  ErrorReport,
  Extension,
  ExtensionDetail,
  ExtensionType,
  HealthAlarm,
  HealthOverview,
  HealthOverviewRow,
  HealthPoint,
  HealthReport,
  HealthSeries,
  HealthThreshold,
  HealthTotal,
  MigrationDecision,
  NatsStatus,
  OpenConnection,
  PastExtension,
  PendingMigration,
  ProbeOutcome,
  ProbeStep,
  ProbeStepName,
  RemoteDatabase,
  TestReport,
  Verification,
} from "../bindings";

export const embedded: ConnectionProfile = {
  id: "embedded",
  label: "Embedded database",
  colour: null,
  is_production: false,
  is_reason_required: false,
  database: { kind: "embedded" },
};

const embeddedConnection: OpenConnection = {
  profile: embedded,
  server: "embedded",
  tls_mode: null,
  is_tls_weak: false,
  read_only_reason: null,
  can_listen: true,
};

export const readyStatus = {
  state: "ready",
  server_version: "18.4",
  database: "registry",
  login: "editor",
  os_user: "editor",
  data_directory: "/data/registry",
  shared: false,
  connection: embeddedConnection,
} as const satisfies DatabaseStatus;

export function remoteDatabase(more: Partial<RemoteDatabase> = {}): RemoteDatabase {
  return {
    servers: [
      { host: "db-1.example", port: 5432 },
      { host: "db-2.example", port: 5433 },
    ],
    database: "registry",
    user: "anna",
    tls: { mode: null, ca_file: null, client_certificate_file: null, client_key_file: null },
    application_name: null,
    is_read_only: false,
    prefers_standby: false,
    pooling: "direct",
    ...more,
  };
}

export function remoteProfile(id: string, more: Partial<ConnectionProfile> = {}): ConnectionProfile {
  return {
    ...embedded,
    id,
    label: id,
    database: { kind: "remote", value: remoteDatabase() },
    ...more,
  };
}

/** An open registry elsewhere. */
export function readyElsewhere(
  profile: ConnectionProfile,
  more: Partial<OpenConnection> = {},
): DatabaseStatus {
  return {
    ...readyStatus,
    data_directory: null,
    connection: {
      ...embeddedConnection,
      profile,
      server: "db-1.example:5432",
      tls_mode: "verify-full",
      ...more,
    },
  };
}

export function connectionState(more: Partial<ConnectionState> = {}): ConnectionState {
  return {
    server: "db-1.example:5432",
    role: "primary",
    is_connected: true,
    since: "2026-01-01T00:00:00Z",
    failure: null,
    reconnect_count: 0,
    lost_tail: null,
    ...more,
  };
}

export function probeStep(
  name: ProbeStepName,
  outcome: ProbeOutcome = { kind: "ok", value: `${name} found` },
  server = "db-1.example:5432",
): ProbeStep {
  return { name, server, outcome, duration_ms: 12 };
}

export function migration(version: number, name: string): PendingMigration {
  return { version, name, summary: `Makes ${name}.`, details: `Before: no ${name}.` };
}

export function decision(
  state: MigrationDecision["state"],
  more: Partial<MigrationDecision> = {},
): MigrationDecision {
  return { state, missing_roles: [], obstacle: null, ...more };
}

export const forbidden: ErrorReport = {
  code: "forbidden",
  message: "The login editor may not change extensions.",
  action: "Ask an administrator of the database to make this login a member of registry_operator.",
  detail: "SQLSTATE 42501",
  field: null,
  facts: { kind: "required_role", value: "registry_operator" },
};

export const reasonRequired: ErrorReport = {
  code: "reason_required",
  message: "A change of this registry needs a reason",
  action: "Say why; nothing has been changed.",
  detail: null,
  field: "reason",
  facts: null,
};

export const movedOn: ErrorReport = {
  code: "moved_on",
  message: "It has changed again since.",
  action: "Look at its history, and restore the version that you want.",
  detail: null,
  field: null,
  facts: null,
};

export const extensionNotFound: ErrorReport = {
  code: "extension_not_found",
  message: "There is no such extension.",
  action: "Look at the list again.",
  detail: null,
  field: null,
  facts: null,
};

export function extension(id: string, more: Partial<Extension> = {}): Extension {
  return {
    id,
    type: "provider",
    subject: `beamline.provider.${id}.v1`,
    timeout_ms: 1000,
    retry: 0,
    enabled: true,
    revision: 0,
    created_at: "2026-01-01T00:00:00Z",
    updated_at: "2026-01-01T00:00:00Z",
    health: "no_data",
    health_score_percent: null,
    last_change: null,
    ...more,
  };
}

export function extensionDetail(
  row: Extension,
  config: string | null = '{"model": "a", "rate": 1.00}',
): ExtensionDetail {
  return { extension: row, config, metadata: "{}" };
}

export function sixExtensions(): Extension[] {
  return [
    extension("mock_provider", { subject: "beamline.provider.mock.v1" }),
    extension("openai_gpt4", { timeout_ms: 30_000, retry: 2 }),
    extension("anthropic_claude", { timeout_ms: 30_000, retry: 2 }),
    extension("normalize_text", {
      type: "pre",
      subject: "beamline.ext.pre.normalize_text.v1",
      timeout_ms: 100,
    }),
    extension("pii_guard", {
      type: "validator",
      subject: "beamline.ext.validate.pii_guard.v1",
      timeout_ms: 200,
      retry: 1,
    }),
    extension("mask_sensitive_data", {
      type: "post",
      subject: "beamline.ext.post.mask_pii.v1",
      timeout_ms: 100,
    }),
  ];
}

export function auditEntry(revision: number, more: Partial<AuditEntry> = {}): AuditEntry {
  return {
    revision,
    extension_id: "pii_guard",
    action: "disabled",
    changed_by: "editor",
    actor_source: "login",
    login: "editor",
    os_user: "editor",
    application_name: "beamline-registry",
    client_address: null,
    reason: null,
    timestamp: new Date().toISOString(),
    sealed_at: new Date().toISOString(),
    request_id: null,
    group_id: null,
    restored_revision: null,
    undone_group_id: null,
    undone_revision: null,
    changes: [{ path: "/enabled", before: "true", after: "false" }],
    ...more,
  };
}

export function pastExtension(id: string, more: Partial<PastExtension> = {}): PastExtension {
  return {
    id,
    type: "validator",
    subject: `beamline.ext.validate.${id}.v1`,
    timeout_ms: 1000,
    retry: 0,
    enabled: true,
    config: '{"patterns": []}',
    metadata: null,
    revision: 1,
    ...more,
  };
}

export function healthReport(extension_id: string, more: Partial<HealthReport> = {}): HealthReport {
  return {
    extension_id,
    extension_type: "provider",
    enabled: true,
    success_count: 100,
    failure_count: 0,
    avg_latency_ms: 12.34,
    last_success: "2026-01-01T00:00:00Z",
    last_failure: null,
    health_score_percent: 100,
    has_data: true,
    state: "healthy",
    ...more,
  };
}

export function healthOverview(
  rows: HealthOverviewRow[],
  more: Partial<HealthOverview> = {},
): HealthOverview {
  return {
    range: { from: "2026-01-01T00:00:00Z", until: "2026-01-02T00:00:00Z" },
    step_minutes: 60,
    rows,
    total: healthTotal({ success_count: 4000, failure_count: 12, score_percent: 99.7 }),
    earlier: healthTotal(),
    later: healthTotal(),
    is_sample: false,
    ...more,
  };
}

export function healthTotal(more: Partial<HealthTotal> = {}): HealthTotal {
  return {
    success_count: 2000,
    failure_count: 6,
    score_percent: 99.7,
    p50_ms: 12.34,
    p95_ms: 40.1,
    p99_ms: 120,
    failing_count: 0,
    ...more,
  };
}

/** A series of hours, one point each; where there is null, there was no call. */
export function healthSeries(
  extension_id: string,
  points: readonly (Partial<HealthPoint> | null)[],
  more: Partial<HealthSeries> = {},
): HealthSeries {
  const from = Date.parse("2026-01-01T00:00:00Z");
  const at = (place: number) => new Date(from + place * 3_600_000).toISOString();
  return {
    extension_id,
    range: { from: at(0), until: at(points.length) },
    step_minutes: 60,
    points: points.flatMap((point, place) => (point ? [healthPoint(at(place), point)] : [])),
    total: healthPoint(at(0), { success_count: 300, failure_count: 100, score_percent: 75 }),
    state: "failing",
    is_sample: false,
    ...more,
  };
}

function healthPoint(started_at: string, more: Partial<HealthPoint>): HealthPoint {
  return {
    started_at,
    success_count: 99,
    failure_count: 1,
    score_percent: 99,
    mean_ms: 15,
    p50_ms: 12,
    p95_ms: 40,
    p99_ms: 120,
    max_ms: 300,
    ...more,
  };
}

export function overviewRow(extension_id: string, more: Partial<HealthOverviewRow> = {}): HealthOverviewRow {
  return {
    extension_id,
    extension_type: "provider",
    enabled: true,
    success_count: 1200,
    failure_count: 4,
    score_percent: 99.67,
    state: "healthy",
    severity: "healthy",
    trend_percent_points: 0,
    p50_ms: 12.34,
    p95_ms: 40.1,
    p99_ms: 120,
    last_failure: "2026-01-01T20:00:00Z",
    last_call: "2026-01-01T23:59:00Z",
    success_counts: [600, 0, 600],
    failure_counts: [0, 0, 4],
    ...more,
  };
}

export function cacheReport(more: Partial<CacheReport> = {}): CacheReport {
  return {
    state: "fresh",
    revision: 1204,
    age_ms: 440,
    last_reload: "2026-01-01T00:00:00Z",
    load_count: 3,
    apply_count: 17,
    error_count: 0,
    total: 6,
    enabled: 5,
    hits: 0,
    misses: 0,
    divergence: null,
    ...more,
  };
}

export function consumerReport(name: string, more: Partial<ConsumerReport> = {}): ConsumerReport {
  return {
    consumer_id: `${name}-1`,
    name,
    host: "host-1",
    version: "1.2",
    login: "router",
    client_address: null,
    applied_revision: 1204,
    behind_revisions: 0,
    behind_seconds: null,
    started_at: "2026-01-01T00:00:00Z",
    seen_at: new Date().toISOString(),
    seen_seconds_ago: 1.5,
    ...more,
  };
}

export const natsSetUp: NatsStatus = {
  settings: {
    servers: ["nats://localhost:4222"],
    authentication: { kind: "password", user: "console" },
    tls: { required: false, ca_file: null, certificate_file: null, key_file: null },
  },
  secret: "keychain",
};

export function testReport(more: Partial<TestReport["outcome"]> = {}): TestReport {
  return {
    outcome: {
      reply: {
        text: '{"ok":true,"rate":1.00}',
        byte_count: 23,
        is_cut: false,
        is_json: true,
        error: null,
        latency_ms: 12.34,
      },
      failure: null,
      attempts: [{ outcome: "answered", duration_ms: 12.34 }],
      ...more,
    },
    is_recorded: true,
    not_recorded: null,
  };
}
/** The limit of the score of a type. */
export function limitsHeld(type: ExtensionType, scorePercent: number | null): HealthThreshold {
  return {
    scope: { kind: "type", value: type },
    limits: { score_below_percent: scorePercent, p95_above_ms: null, silent_for_seconds: null },
    changed_by: "anna",
    changed_at: "2026-01-01T00:00:00Z",
  };
}

export function alarm(extension_id: string, more: Partial<HealthAlarm> = {}): HealthAlarm {
  return { extension_id, trouble: "failing", value: 72, limit: 95, since: "2026-01-01T00:00:00Z", ...more };
}
/** A whole log of so many entries. */
export function verification(revision: number): Verification {
  return {
    registry_id: "0b1d9c5e-7d0e-4a67-9b1f-000000000000",
    hash: "ab".repeat(32),
    revision,
    entry_count: revision,
    anchor_count: 0,
    fault: null,
  };
}

export function backupOverview(more: Partial<BackupOverview> = {}): BackupOverview {
  return {
    is_embedded: true,
    settings: { is_enabled: true, folder: null, daily_kept: 7, weekly_kept: 4 },
    folder: "/data/registry/backups",
    downloads: "/downloads",
    last_at: "2026-11-26T03:00:00Z",
    next_at: "2026-11-27T03:00:00Z",
    troubles: [],
    disk: { available_mib: 12_800, low_below_mib: 512, is_low: false, is_reserve_held: true },
    current: { registry_id: "r", revision: 1204, extension_count: 6 },
    kept: [],
    upgrade: null,
    moved: null,
    work: null,
    ...more,
  };
}

/** A daily backup that nobody has verified. */
export function backupFile(revision: number, more: Partial<BackupFile> = {}): BackupFile {
  const name = `registry-${revision}.beamline-backup`;
  return {
    path: `/data/registry/backups/${name}`,
    name,
    size_bytes: 1_572_864,
    summary: {
      product_version: "0.1.0",
      schema_version: 100,
      made_at: "2026-11-26T03:00:00Z",
      system_identifier: "1",
      server_version: "18.4",
      registry_id: "r",
      revision,
      hash: "ab",
      size_bytes: 1_572_864,
      tables: [
        { name: "extensions", row_count: 5, hash: "" },
        { name: "extension_audit_log", row_count: revision, hash: "" },
      ],
      fault: null,
    },
    problem: null,
    verification: null,
    ...more,
  };
}
