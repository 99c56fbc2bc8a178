import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { type AuditFilter, type AuditListRequest, commands } from "../bindings";
import { unwrap } from "./command";
import { keys } from "./keys";

const pageSize = 50;
const newestIntervalMs = 4_000;

/** Lets every entry through. */
const everything: AuditFilter = {
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

/** The audit log, newest first, in keyset pages that follow on without gaps while entries arrive. */
export function useAuditEntries() {
  const entries = useInfiniteQuery({
    queryKey: keys.audit.entries(),
    queryFn: ({ pageParam }) =>
      listAuditEntries({ filter: everything, before_revision: pageParam, limit: pageSize }),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.next_before_revision,
    select: (data) => data.pages.flatMap((page) => page.entries),
  });
  useRefetchOnNewEntry(entries.data?.[0]?.revision, entries.isSuccess);
  return entries;
}

/** Asks for the newest entry alone, and reads the loaded pages again only when there is a newer one. */
function useRefetchOnNewEntry(newestShown: number | undefined, enabled: boolean) {
  const client = useQueryClient();
  const newest = useQuery({
    queryKey: keys.audit.newest(),
    queryFn: () => listAuditEntries({ filter: everything, before_revision: null, limit: 1 }),
    select: (page) => page.entries[0]?.revision,
    refetchInterval: newestIntervalMs,
    enabled,
  });
  const newestRevision = newest.data;
  useEffect(() => {
    if (newestRevision !== undefined && newestRevision > (newestShown ?? 0)) {
      void client.invalidateQueries({ queryKey: keys.audit.entries() });
    }
  }, [client, newestRevision, newestShown]);
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
