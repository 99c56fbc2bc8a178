import {
  keepPreviousData,
  type QueryClient,
  queryOptions,
  useMutation,
  useMutationState,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import {
  type ChangeNote,
  commands,
  type ErrorReport,
  type Extension,
  type ExtensionCursor,
  type ExtensionDetail,
  type ExtensionDraft,
  type ExtensionPage,
  type ExtensionPatch,
  type ExtensionType,
  type SeenExtension,
  type SetEnabledRequest,
  type TrafficEffects,
  type UndoTarget,
} from "../bindings";
import { everyEntry } from "./audit";
import { refetchIntervalMs } from "./client";
import { CommandFailure, unwrap } from "./command";
import type { DatabaseMonitor } from "./database";
import { keys } from "./keys";
import { ownRequestId } from "./ownRequests";

/** An extension as the administrator left it: `enabled` is what they last asked for. */
export type ExtensionRow = Extension & {
  /** The server has not yet confirmed the last switch. */
  pending: boolean;
};

const pageSize = 10_000;

/** All extensions, ordered by type and id. */
async function listExtensions(): Promise<Extension[]> {
  const all: Extension[] = [];
  let after: ExtensionCursor | null = null;
  do {
    const page: ExtensionPage = await unwrap(
      commands.listExtensions({
        filter: { types: [], enabled: null, health: [], text: null },
        sort: "type",
        descending: false,
        after,
        limit: pageSize,
      }),
    );
    all.push(...page.extensions);
    after = page.next;
  } while (after !== null);
  return all;
}

const extensionsQuery = queryOptions({
  queryKey: keys.extensions.list(),
  queryFn: listExtensions,
});

/**
 * Asks for the extensions at once, and if there is no database yet again as soon as there is one. Resolves when the first
 * answer is there, whichever it is.
 */
export async function prefetchExtensions(client: QueryClient, database: DatabaseMonitor): Promise<void> {
  const asked = listExtensions().catch(() => null);
  const read = async () => (await asked) ?? listExtensions();
  const stop = database.subscribe(() => {
    if (database.current()?.status.state !== "ready") return;
    stop();
    void client.prefetchQuery({ ...extensionsQuery, queryFn: read });
  });
  await asked;
}

export function useExtensions() {
  const query = useQuery({ ...extensionsQuery, refetchInterval: refetchIntervalMs });
  const one = useMutationState({
    filters: { mutationKey: keys.extensions.setEnabled(), status: "pending" },
    select: (mutation) => mutation.state.variables as SetEnabledRequest,
  });
  const many = useMutationState({
    filters: { mutationKey: keys.extensions.setManyEnabled(), status: "pending" },
    select: (mutation) => mutation.state.variables as SetManyVariables,
  });
  const rows = useMemo(() => {
    const pending = new Map<string, boolean>();
    for (const { ids, enabled } of many) for (const id of ids) pending.set(id, enabled);
    for (const { id, enabled } of one) pending.set(id, enabled);
    return query.data?.map((extension) => withPendingSwitch(extension, pending.get(extension.id)));
  }, [query.data, one, many]);
  // Not all of the query: who uses it would be rendered whenever it is read again, whatever came of that.
  return {
    data: rows,
    refetch: query.refetch,
    get error() {
      return query.error;
    },
    get dataUpdatedAt() {
      return query.dataUpdatedAt;
    },
  };
}

/**
 * Switches an extension and resolves with the row the server then had.
 *
 * The list itself is not touched until the server answers: what is asked for lies over it while the
 * mutation is pending, so a failure needs no rollback and can't undo a later click. Switches of one
 * extension share a scope and therefore run one after the other, in the order of the clicks.
 */
export function useSetExtensionEnabled(): (request: SetEnabledRequest) => Promise<Extension> {
  const client = useQueryClient();
  return useCallback((request) => setExtensionEnabled(client, request), [client]);
}

function setExtensionEnabled(client: QueryClient, request: SetEnabledRequest): Promise<Extension> {
  const mutation = client.getMutationCache().build<Extension, Error, SetEnabledRequest, void>(client, {
    mutationKey: keys.extensions.setEnabled(),
    scope: { id: `extension ${request.id}` },
    meta: { invalidates: [keys.extensions.all, keys.audit.all, keys.health.all] },
    mutationFn: (variables) => unwrap(commands.setExtensionEnabled(variables)),
    onSuccess: async (changed) => {
      // A list that was read before the change must not land on top of it.
      await client.cancelQueries({ queryKey: keys.extensions.list() });
      client.setQueryData<Extension[]>(keys.extensions.list(), (extensions) =>
        extensions?.map((extension) => (extension.id === changed.id ? changed : extension)),
      );
    },
  });
  return mutation.execute(request);
}

/** Rows without a pending switch, kept by identity: of ten thousand only those that changed are drawn again. */
const settledRows = new WeakMap<Extension, ExtensionRow>();

function withPendingSwitch(extension: Extension, pending: boolean | undefined): ExtensionRow {
  if (pending !== undefined) return { ...extension, enabled: pending, pending: true };
  const settled = settledRows.get(extension) ?? { ...extension, pending: false };
  settledRows.set(extension, settled);
  return settled;
}

function detailQuery(id: string) {
  return queryOptions({
    queryKey: keys.extensions.detail(id),
    queryFn: () => unwrap(commands.getExtension(id)),
  });
}

/** One extension, whole; read again whenever anybody changes it. */
export function useExtensionDetail(id: string) {
  return useQuery({ ...detailQuery(id), refetchInterval: refetchIntervalMs });
}

/** Reads one extension, whole, at the moment it is asked for. */
export function useReadExtension(): (id: string) => Promise<ExtensionDetail> {
  const client = useQueryClient();
  return useCallback((id) => client.fetchQuery(detailQuery(id)), [client]);
}

const afterChange = { invalidates: [keys.extensions.all, keys.audit.all, keys.health.all] };

/** What a person said of a change before it is made. */
export type Answer = {
  reason: string | null;
  /** The types that they were told would have no enabled extension left; null if they were not asked. */
  confirmed: ExtensionType[] | null;
};

/** Of a change that nobody was asked about. */
export const unasked: Answer = { reason: null, confirmed: null };

/** A note with a name of its own for the request. */
export function note({ reason, confirmed }: Answer): ChangeNote & { request_id: string } {
  return { reason: reason?.trim() || null, confirmed, request_id: ownRequestId() };
}

/** Whether a change was refused because somebody must say something first. */
export function wantsAnswer(error: ErrorReport): boolean {
  return error.code === "confirmation_required" || error.code === "reason_required";
}

/** What it would do to traffic if these extensions went out of service now; null while it is not known. */
export function useTrafficEffects(ids: readonly string[], enabled: boolean): TrafficEffects | null {
  const effects = useQuery({
    queryKey: keys.extensions.effects(ids),
    queryFn: () => unwrap(commands.trafficEffects([...ids])),
    refetchInterval: refetchIntervalMs,
    gcTime: 0,
    enabled,
  });
  return effects.data ?? null;
}

/** Creates an extension and resolves with the name of the request, by which it can be undone. */
export function useCreateExtension() {
  return useMutation({
    mutationFn: async ({ draft, answer }: { draft: ExtensionDraft; answer: Answer }) => {
      const named = note(answer);
      await unwrap(commands.createExtension(draft, named));
      return named.request_id;
    },
    meta: afterChange,
  });
}

type Update = { seen: SeenExtension; patch: ExtensionPatch; answer: Answer };

/** Changes an extension and resolves with the name of the request, by which it can be undone. */
export function useUpdateExtension() {
  return useMutation({
    mutationFn: async ({ seen, patch, answer }: Update) => {
      const named = note(answer);
      await unwrap(commands.updateExtension({ seen, patch, note: named }));
      return named.request_id;
    },
    meta: afterChange,
  });
}

type Named = ChangeNote & { request_id: string };

/** Deletes extensions in one transaction and resolves with whether it was done: somebody may have stopped it. */
export function useDeleteExtensions() {
  return useMutation({
    mutationFn: ({ seen, named }: { seen: SeenExtension[]; named: Named }) =>
      unwrap(commands.deleteExtensions(seen, named)),
    meta: afterChange,
  });
}

type SetManyVariables = { ids: string[]; enabled: boolean; named: Named };

/**
 * Switches several extensions in one transaction and resolves with whether it was done: somebody may have stopped
 * it. As with one, what is asked for lies over the list while the answer is awaited.
 */
export function useSetExtensionsEnabled() {
  const client = useQueryClient();
  return useMutation({
    mutationKey: keys.extensions.setManyEnabled(),
    mutationFn: ({ ids, enabled, named }: SetManyVariables) =>
      unwrap(commands.setExtensionsEnabled({ ids, enabled, note: named })),
    onSuccess: async (isDone, { ids, enabled }) => {
      if (!isDone) return;
      await client.cancelQueries({ queryKey: keys.extensions.list() });
      const changed = new Set(ids);
      client.setQueryData<Extension[]>(keys.extensions.list(), (extensions) =>
        extensions?.map((extension) => (changed.has(extension.id) ? { ...extension, enabled } : extension)),
      );
    },
    meta: afterChange,
  });
}

/** The newest entries of an extension among which a change that was just made is looked for. */
const recentEntries = 10;

const nothingToUndo: ErrorReport = {
  code: "change_not_found",
  message: "The registry was so already when it was asked for: nothing was changed.",
  action: "Look at its history for who changed it before.",
  detail: null,
  field: null,
  facts: null,
};

type UndoRequest = { requestId: string; extensionId: string; answer: Answer };

/**
 * Takes back all that was changed with this request, in one transaction. What that is stands in the log: the
 * group, or the one change where there is no group.
 */
export function useUndoRequest() {
  return useMutation({
    mutationFn: async ({ requestId, extensionId, answer }: UndoRequest) => {
      const { entries } = await unwrap(
        commands.listAuditEntries({
          filter: { ...everyEntry, extension_id: extensionId },
          before_revision: null,
          after_revision: null,
          limit: recentEntries,
        }),
      );
      const entry = entries.find((candidate) => candidate.request_id === requestId);
      // Asked for what was so already, the registry changes nothing and writes no entry.
      if (!entry) throw new CommandFailure(nothingToUndo);
      const target: UndoTarget =
        entry.group_id === null
          ? { kind: "revision", value: entry.revision }
          : { kind: "group", value: entry.group_id };
      return unwrap(commands.undoChanges(target, note(answer)));
    },
    meta: afterChange,
  });
}

/** The JSON Schema that holds for an extension of this id and type, as text. */
export function useConfigurationSchema(id: string, type: ExtensionType) {
  return useQuery({
    queryKey: keys.extensions.schema(id, type),
    queryFn: () => unwrap(commands.configurationSchemaOf(id, type)),
    // The fields stay while somebody types the id of a new extension.
    placeholderData: keepPreviousData,
  });
}

/** Where a configuration does not fit the schema of such an extension. */
export function useConfigurationCheck(id: string, type: ExtensionType, config: string, enabled: boolean) {
  return useQuery({
    queryKey: keys.extensions.check(id, type, config),
    queryFn: () => unwrap(commands.checkConfiguration(id, type, config)),
    enabled,
    // What fits now is checked once more when it is saved.
    staleTime: 60_000,
    gcTime: 60_000,
  });
}

/** The names whose values are secrets wherever they are keys. */
export function useSecretNames() {
  return useQuery({
    queryKey: keys.extensions.secretNames(),
    queryFn: () => unwrap(commands.listSecretNames()),
    staleTime: 60_000,
  });
}
