import type {
  AuditEntry,
  CacheReport,
  ConsumerReport,
  DatabaseStatus,
  ErrorReport,
  Extension,
  ExtensionDetail,
  HealthOverview,
  HealthOverviewRow,
  HealthReport,
  PastExtension,
} from "../bindings";

export const readyStatus = {
  state: "ready",
  server_version: "18.4",
  database: "registry",
  login: "editor",
  os_user: "editor",
  data_directory: "/data/registry",
  shared: false,
} as const satisfies DatabaseStatus;

export const forbidden: ErrorReport = {
  code: "forbidden",
  message: "The login editor may not change extensions.",
  action: "Ask an administrator of the database to make this login a member of registry_operator.",
  detail: "SQLSTATE 42501",
  field: null,
  facts: { kind: "required_role", value: "registry_operator" },
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
    is_sample: false,
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
