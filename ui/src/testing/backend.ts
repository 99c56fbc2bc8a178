import { emit } from "@tauri-apps/api/event";
import { mockIPC } from "@tauri-apps/api/mocks";
import { act } from "@testing-library/react";
import type {
  ApplicationInfo,
  AuditEntry,
  AuditListRequest,
  CacheReport,
  ConsumerReport,
  DatabaseStatus,
  ErrorReport,
  Extension,
  HealthReport,
  SetEnabledRequest,
  Verification,
} from "../bindings";
import { cacheReport, readyStatus, sixExtensions } from "./fixtures";

/** A backend at the IPC boundary: what it holds can be set, and what it was asked can be read. */
export type Backend = {
  status: DatabaseStatus;
  extensions: Extension[];
  auditEntries: AuditEntry[];
  verification: Verification;
  health: HealthReport[];
  cache: CacheReport;
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
  /** Sends a database status as the backend does. */
  emitStatus: (status: DatabaseStatus) => Promise<void>;
};

export function startBackend(): Backend {
  const backend: Backend = {
    status: readyStatus,
    extensions: sixExtensions(),
    auditEntries: [],
    verification: { revision: 0, entry_count: 0, anchor_count: 0, fault: null },
    health: [],
    cache: cacheReport(),
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
      return { extensions: backend.extensions, next: null };
    case "set_extension_enabled":
      return setEnabled(backend, (args as { request: SetEnabledRequest }).request);
    case "list_audit_entries":
      return auditPage(backend, (args as { request: AuditListRequest }).request);
    case "verify_audit_log":
      return backend.verification;
    case "list_health":
      return backend.health;
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

function setEnabled(backend: Backend, request: SetEnabledRequest): Extension | undefined {
  backend.extensions = backend.extensions.map((extension) =>
    extension.id === request.id ? { ...extension, enabled: request.enabled } : extension,
  );
  return backend.extensions.find((extension) => extension.id === request.id);
}

function auditPage(backend: Backend, { before_revision, limit }: AuditListRequest) {
  const older = backend.auditEntries.filter(
    (entry) => before_revision === null || entry.revision < before_revision,
  );
  const entries = older.slice(0, limit);
  return { entries, next_before_revision: older.length > limit ? entries.at(-1)?.revision : null };
}
