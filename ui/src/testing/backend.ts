import { emit } from "@tauri-apps/api/event";
import { mockIPC } from "@tauri-apps/api/mocks";
import { act } from "@testing-library/react";
import type {
  ApplicationInfo,
  AuditActivity,
  AuditEntry,
  AuditFilter,
  AuditListRequest,
  CacheReport,
  ChangeNote,
  ConnectionProfile,
  ConsumerReport,
  DatabaseStatus,
  ErrorReport,
  Extension,
  ExtensionDetail,
  ExtensionDifference,
  ExtensionDraft,
  ExtensionListRequest,
  ExtensionPage,
  HealthOverview,
  HealthReport,
  PastRegistry,
  Permissions,
  RegistryPlan,
  SeenExtension,
  SetEnabledRequest,
  SetManyEnabledRequest,
  TrafficEffects,
  UpdateRequest,
  Verification,
  VerificationProgress,
  Violation,
} from "../bindings";
import {
  cacheReport,
  extension,
  extensionDetail,
  extensionNotFound,
  healthOverview,
  readyStatus,
  sixExtensions,
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
  /** What a verification finds; null if it is stopped. */
  verification: Verification | null;
  health: HealthReport[];
  overview: HealthOverview;
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
  profile: ConnectionProfile;
  /** Whether taking the last enabled extension of a type, or any, out of service must be confirmed. */
  asksAbout: "none" | "last" | "each";
  consumers: ConsumerReport[];
  application: ApplicationInfo;
  /** A command named here fails with this error. */
  failures: Map<string, ErrorReport>;
  /** A command named here is answered when the promise resolves. */
  holds: Map<string, Promise<void>>;
  calls: { command: string; args: unknown }[];
  callsOf: (command: string) => unknown[];
  /** Tells of a change as the backend does, whoever made it. */
  emitChange: () => Promise<void>;
  /** Tells how far a verification is as the backend does. */
  emitProgress: (progress: VerificationProgress) => Promise<void>;
  /** Sends a database status as the backend does. */
  emitStatus: (status: DatabaseStatus) => Promise<void>;
};

export function startBackend(): Backend {
  const backend: Backend = {
    status: readyStatus,
    extensions: sixExtensions(),
    extensionPageSize: 10_000,
    auditEntries: [],
    searchedAtMost: 2_000,
    activity: {
      since: "2026-11-22T00:00:00Z",
      until: "2026-11-23T00:00:00Z",
      bucket_seconds: 3600,
      counts: Array.from({ length: 24 }, () => 0),
      counted_since: null,
    },
    verification: { revision: 0, entry_count: 0, anchor_count: 0, fault: null },
    health: [],
    overview: healthOverview([]),
    past: { revision: 0, extensions: [] },
    differences: [],
    plan: { revision: 1204, changes: [], unchanged_count: 0, only_in_registry_count: 0, problems: [] },
    configurations: new Map(),
    violations: [],
    schema: null,
    cache: cacheReport(),
    permissions: {
      login: "editor",
      can_view: true,
      can_switch: true,
      can_edit: true,
      can_audit: true,
      can_edit_schemas: true,
    },
    profile: { production: false, reason_required: false },
    asksAbout: "none",
    consumers: [],
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
    calls: [],
    callsOf: (command) => backend.calls.filter((call) => call.command === command).map((call) => call.args),
    emitChange: () => act(() => emit("registry-changed", { revision: 1205, extension_ids: null })),
    emitProgress: (progress) => act(() => emit("verification-progressed", progress)),
    emitStatus: async (status) => {
      backend.status = status;
      await act(() => emit("database-status-changed", status));
    },
  };

  mockIPC(
    async (command, args) => {
      backend.calls.push({ command, args });
      await backend.holds.get(command);
      const failure = backend.failures.get(command);
      // The bridge rejects with the plain object that the backend serialised.
      if (failure) throw failure;
      return structuredClone(answer(backend, command, args));
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
    case "connection_profile":
      return backend.profile;
    case "notices_paused":
      return false;
    case "set_connection_profile":
      backend.profile = (args as { profile: ConnectionProfile }).profile;
      return null;
    case "set_extensions_enabled": {
      const { request } = args as { request: SetManyEnabledRequest };
      guard(backend, request.note, request.enabled ? [] : request.ids);
      for (const id of request.ids) setEnabled(backend, { ...request, id });
      return null;
    }
    case "delete_extensions": {
      const { seen, note } = args as { seen: SeenExtension[]; note: ChangeNote };
      const gone = new Set(seen.map(({ id }) => id));
      guard(backend, note, [...gone]);
      backend.extensions = backend.extensions.filter(({ id }) => !gone.has(id));
      return null;
    }
    case "list_audit_entries":
      return auditPage(backend, (args as { request: AuditListRequest }).request);
    case "audit_activity":
      return backend.activity;
    case "verify_audit_log":
      return backend.verification;
    case "list_health":
      return backend.health;
    case "health_overview":
      return backend.overview;
    case "fill_with_sample_traffic":
    case "remove_sample_traffic":
      return null;
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
      return ["pii_guard"];
    case "export_audit_log":
      return { path: "/downloads/audit-log.csv", count: backend.auditEntries.length };
    case "export_registry": {
      const { ids, format } = args as { ids: string[] | null; format: string };
      return { path: `/downloads/registry.${format}`, count: ids?.length ?? backend.extensions.length };
    }
    case "plan_import":
      return backend.plan;
    case "apply_import":
      return { created_count: 1, changed_count: 1, deleted_count: 0 };
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

function trafficEffects(backend: Backend, ids: readonly string[]): TrafficEffects {
  const leaving = backend.extensions.filter(({ id, enabled }) => enabled && ids.includes(id));
  return {
    extension_ids: leaving.map(({ id }) => id),
    types: [...new Set(leaving.map(({ type }) => type))].map((type) => {
      const ofType = backend.extensions.filter((row) => row.type === type && row.enabled);
      const leaving_count = leaving.filter((row) => row.type === type).length;
      return { type, leaving_count, remaining_count: ofType.length - leaving_count };
    }),
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
  if (backend.profile.reason_required && note.reason === null)
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

function setEnabled(backend: Backend, request: SetEnabledRequest): Extension | undefined {
  backend.extensions = backend.extensions.map((extension) =>
    extension.id === request.id ? { ...extension, enabled: request.enabled } : extension,
  );
  return backend.extensions.find((extension) => extension.id === request.id);
}

function auditPage(backend: Backend, { filter, before_revision, limit }: AuditListRequest) {
  const older = backend.auditEntries.filter(
    (entry) => before_revision === null || entry.revision < before_revision,
  );
  const looked = filter.text === null ? older : older.slice(0, backend.searchedAtMost);
  const found = looked.filter((entry) => passes(entry, filter));
  const entries = found.slice(0, limit);
  const lookedTo = looked.length < older.length ? looked.at(-1)?.revision : null;
  return { entries, next_before_revision: found.length > limit ? entries.at(-1)?.revision : lookedTo };
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
