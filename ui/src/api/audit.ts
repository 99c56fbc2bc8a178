import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useEffect } from "react";
import {
  type AuditFilter,
  type AuditListRequest,
  commands,
  type ExportFormat,
  type RestoreRequest,
  type UndoTarget,
} from "../bindings";
import { unwrap } from "./command";
import { keys } from "./keys";

const pageSize = 50;
const newestIntervalMs = 4_000;
const activityIntervalMs = 15_000;
const activityBuckets = 96;

/** Lets every entry through. */
export const everyEntry: AuditFilter = {
  extension_id: null,
  changed_by: null,
  actions: [],
  since: null,
  until: null,
  group_id: null,
  text: null,
};

function listAuditEntries(request: AuditListRequest) {
  return unwrap(commands.listAuditEntries(request));
}

/** What the filter leaves of the audit log, newest first, in keyset pages that follow on without gaps. */
export function useAuditEntries(filter: AuditFilter = everyEntry) {
  const entries = useInfiniteQuery({
    queryKey: keys.audit.entries(filter),
    queryFn: ({ pageParam }) => listAuditEntries({ filter, before_revision: pageParam, limit: pageSize }),
    initialPageParam: null as number | null,
    // The list stays while what the new filter leaves of it is read.
    placeholderData: keepPreviousData,
    getNextPageParam: (page) => page.next_before_revision,
    select: (data) => data.pages.flatMap((page) => page.entries),
  });
  useRefetchOnNewEntry(filter, entries.data?.[0]?.revision, entries.isSuccess);
  return entries;
}

/** Asks for the newest entry alone, and reads the loaded pages again only when there is a newer one. */
function useRefetchOnNewEntry(filter: AuditFilter, newestShown: number | undefined, enabled: boolean) {
  const client = useQueryClient();
  const newest = useQuery({
    queryKey: keys.audit.newest(filter),
    queryFn: () => listAuditEntries({ filter, before_revision: null, limit: 1 }),
    select: (page) => page.entries[0]?.revision,
    refetchInterval: newestIntervalMs,
    enabled,
  });
  const newestRevision = newest.data;
  useEffect(() => {
    if (newestRevision !== undefined && newestRevision > (newestShown ?? 0)) {
      void client.invalidateQueries({ queryKey: keys.audit.entries(filter) });
    }
  }, [client, filter, newestRevision, newestShown]);
}

/** How much happened when, for the histogram. */
export function useAuditActivity(filter: AuditFilter) {
  return useQuery({
    queryKey: keys.audit.activity(filter),
    queryFn: () => unwrap(commands.auditActivity(filter, activityBuckets)),
    placeholderData: keepPreviousData,
    refetchInterval: activityIntervalMs,
  });
}

const changed = { invalidates: [keys.extensions.all, keys.audit.all, keys.health.all] };

/** Takes a change back, or a whole group of them; resolves with the ids of the extensions. */
export function useUndoChanges() {
  return useMutation({
    mutationFn: (target: UndoTarget) =>
      unwrap(commands.undoChanges(target, { reason: null, request_id: crypto.randomUUID() })),
    meta: changed,
  });
}

/** Brings an earlier version of an extension back. */
export function useRestoreExtension() {
  return useMutation({
    mutationFn: ({ request, reason }: { request: RestoreRequest; reason: string | null }) =>
      unwrap(commands.restoreExtension(request, { reason, request_id: crypto.randomUUID() })),
    meta: changed,
  });
}

/** Writes what the filter lets through to a new file in the folder for downloads. */
export function useExportAuditLog() {
  return useMutation({
    mutationFn: ({ filter, format }: { filter: AuditFilter; format: ExportFormat }) =>
      unwrap(commands.exportAuditLog(filter, format)),
    meta: { invalidates: [] },
  });
}

/** Whether the log is whole: found out when the page is first opened, and when asked for. */
export function useVerification() {
  return useQuery({
    queryKey: keys.audit.verification(),
    queryFn: () => unwrap(commands.verifyAuditLog()),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    refetchInterval: false,
  });
}
