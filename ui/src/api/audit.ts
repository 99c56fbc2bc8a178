import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { type AuditListRequest, commands } from "../bindings";
import { unwrap } from "./command";
import { keys } from "./keys";

const pageSize = 50;
const newestIntervalMs = 4_000;

function listAuditEntries(request: AuditListRequest) {
  return unwrap(commands.listAuditEntries(request));
}

/** The audit log, newest first, in keyset pages that follow on without gaps while entries arrive. */
export function useAuditEntries() {
  const entries = useInfiniteQuery({
    queryKey: keys.audit.entries(),
    queryFn: ({ pageParam }) => listAuditEntries({ before_id: pageParam, limit: pageSize }),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.next_before_id,
    select: (data) => data.pages.flatMap((page) => page.entries),
  });
  useRefetchOnNewEntry(entries.data?.[0]?.id, entries.isSuccess);
  return entries;
}

/** Asks for the newest entry alone, and reads the loaded pages again only when there is a newer one. */
function useRefetchOnNewEntry(newestShownId: number | undefined, enabled: boolean) {
  const client = useQueryClient();
  const newest = useQuery({
    queryKey: keys.audit.newest(),
    queryFn: () => listAuditEntries({ before_id: null, limit: 1 }),
    select: (page) => page.entries[0]?.id,
    refetchInterval: newestIntervalMs,
    enabled,
  });
  const newestId = newest.data;
  useEffect(() => {
    if (newestId !== undefined && newestId > (newestShownId ?? 0)) {
      void client.invalidateQueries({ queryKey: keys.audit.entries() });
    }
  }, [client, newestId, newestShownId]);
}
