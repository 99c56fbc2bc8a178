import {
  keepPreviousData,
  skipToken,
  useInfiniteQuery,
  useMutation,
  useMutationState,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useCallback, useEffect, useState } from "react";
import {
  type AuditEntry,
  type AuditFilter,
  type AuditListRequest,
  type AuditPage,
  type ChangeNote,
  commands,
  type ExportFormat,
  type ExportProgressed,
  events,
  type LastVerification,
  type RestoreRequest,
  type UndoTarget,
  type VerificationProgress,
  type VerificationScope,
} from "../bindings";
import { refetchIntervalMs } from "./client";
import { unwrap } from "./command";
import { keys } from "./keys";
import { ownRequestId } from "./ownRequests";

const pageSize = 100;
/** So many pages are held at once; those further away are let go and read again when they are needed. */
const pagesHeld = 8;
/** Pages of a search can have few entries each, or none: more of them are held then, up to so many. */
const searchPagesHeld = 400;
/** A search tells how far it is after so many steps, each of which looks at a bounded part of the log. */
const searchSteps = 20;
/** More new entries than this are not counted. */
export const newerCountMax = 20;
/** The clocks of the window and of the database may differ by less than this. */
const clockMarginMs = 300_000;
const activityIntervalMs = 15_000;
const activityBuckets = 96;
/** How often what is new in the log is verified, in milliseconds. */
const verificationIntervalMs = 300_000;
/** How long after a change that is. */
const verificationPauseMs = 15_000;

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

/** Where a page lies: at the newest entry, next to a revision on one side of it, or on both sides of a time. */
type PagePlace = { at: "newest" } | { before: number } | { after: number } | { around: string };
/** A part of the timeline; `aimedAt` is where somebody jumped to: entries up to this revision are older. */
type TimelinePage = AuditPage & { aimedAt?: number };
type Pages = { pages: TimelinePage[]; pageParams: PagePlace[] };

const newestPage: PagePlace = { at: "newest" };

function listAuditEntries(request: AuditListRequest) {
  return unwrap(commands.listAuditEntries(request));
}

async function readPage(filter: AuditFilter, place: PagePlace, signal: AbortSignal): Promise<TimelinePage> {
  if ("around" in place) {
    const revision = await unwrap(commands.revisionAt(place.around));
    const older = await searchDown(filter, revision + 1, signal);
    const newer = await searchUp(filter, revision, signal);
    return {
      ...older,
      entries: [...newer.entries, ...older.entries],
      next_after_revision: newer.next_after_revision,
      aimedAt: revision,
    };
  }
  if ("after" in place) return searchUp(filter, place.after, signal);
  return searchDown(filter, "before" in place ? place.before : null, signal);
}

/** A page of older entries: steps through the log until it is full, the log ends, or it has gone on for long enough. */
async function searchDown(
  filter: AuditFilter,
  before: number | null,
  signal: AbortSignal,
): Promise<TimelinePage> {
  let page = await listAuditEntries({
    filter,
    before_revision: before,
    after_revision: null,
    limit: pageSize,
  });
  for (let step = 1; step < searchSteps; step++) {
    if (page.next_before_revision === null || page.entries.length >= pageSize) break;
    signal.throwIfAborted();
    const next = await listAuditEntries({
      filter,
      before_revision: page.next_before_revision,
      after_revision: null,
      limit: pageSize - page.entries.length,
    });
    page = {
      ...page,
      entries: [...page.entries, ...next.entries],
      next_before_revision: next.next_before_revision,
    };
  }
  return page;
}

/** The same upwards. */
async function searchUp(filter: AuditFilter, after: number, signal: AbortSignal): Promise<TimelinePage> {
  let page = await listAuditEntries({
    filter,
    before_revision: null,
    after_revision: after,
    limit: pageSize,
  });
  for (let step = 1; step < searchSteps; step++) {
    if (page.next_after_revision === null || page.entries.length >= pageSize) break;
    signal.throwIfAborted();
    const next = await listAuditEntries({
      filter,
      before_revision: null,
      after_revision: page.next_after_revision,
      limit: pageSize - page.entries.length,
    });
    page = {
      ...page,
      entries: [...next.entries, ...page.entries],
      next_after_revision: next.next_after_revision,
    };
  }
  return page;
}

/** Full pages are held up to a number; sparse ones up to as many entries. */
function pagesToHold(pages: readonly AuditPage[] | undefined): number {
  if (!pages) return pagesHeld;
  const entries = pages.reduce((sum, page) => sum + page.entries.length, 0);
  const sparse = Math.floor((pagesHeld * pageSize * pages.length) / Math.max(1, entries));
  return Math.min(searchPagesHeld, Math.max(pagesHeld, sparse));
}

/**
 * What the filter leaves of the log, newest first, in keyset pages that follow on without gaps while
 * entries arrive; from the newest entry on, or from both sides of a time. Entries never change, so a page that
 * was read stays as it is; `useNewerCount` tells what is new above it.
 */
export function useAuditTimeline(filter: AuditFilter, at: string | null) {
  const client = useQueryClient();
  const queryKey = keys.audit.timeline(filter, at);
  const held = pagesToHold(client.getQueryData<Pages>(queryKey)?.pages);
  return useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) => readPage(filter, pageParam, signal),
    initialPageParam: at === null ? newestPage : { around: at },
    getNextPageParam: ({ next_before_revision }): PagePlace | undefined =>
      next_before_revision === null ? undefined : { before: next_before_revision },
    getPreviousPageParam: (page): PagePlace | undefined => {
      // The first page is where the newest entry is now: there is nothing above it that was read before.
      if (page.next_after_revision === null) return undefined;
      return { after: page.next_after_revision };
    },
    maxPages: held,
    select: (data) => ({
      entries: data.pages.flatMap((page) => page.entries),
      // Further down, entries that are new appear only after a return to the top.
      beginsAtNewest: data.pages[0]?.next_after_revision === null,
      /** One more page lets go of another. */
      isFull: data.pages.length >= held,
      /** The revision down to which was looked; null at the end of the log. */
      lookedTo: data.pages.at(-1)?.next_before_revision ?? null,
      /** The revisions that are looked through for what the filter lets through; null where an index finds it. */
      searched: data.pages.at(-1)?.searched ?? null,
      /** Entries up to this revision are older than where somebody jumped to. */
      aimedAt: data.pages.find((page) => page.aimedAt !== undefined)?.aimedAt ?? null,
    }),
    // The list stays while what the new filter leaves of it is read.
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    // Who comes back begins at the newest entry, not where a page was last held.
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
}

/** Ends what is being read of the timeline; what was read before stays. */
export function useStopSearch(filter: AuditFilter, at: string | null) {
  const client = useQueryClient();
  return () => void client.cancelQueries({ queryKey: keys.audit.timeline(filter, at) });
}

type NewerOptions = {
  /** The newest entry that is shown; undefined where the list was empty. */
  newest: AuditEntry | undefined;
  /** When the list was read, in milliseconds. */
  readAt: number;
  enabled: boolean;
};

/** How many entries are newer than the newest that is shown: `newerCountMax + 1` for more. */
export function useNewerCount(filter: AuditFilter, { newest, readAt, enabled }: NewerOptions): number {
  const shownRevision = newest?.revision ?? 0;
  // From the newest shown on: a look at what is new must not search what is old.
  const from = newest ? newest.sealed_at : new Date(readAt - clockMarginMs).toISOString();
  const newer = useQuery({
    queryKey: keys.audit.newer(filter, shownRevision),
    queryFn: () =>
      listAuditEntries({
        filter: { ...filter, since: later(filter.since, from) },
        before_revision: null,
        after_revision: null,
        limit: newerCountMax + 1,
      }),
    select: (page) => page.entries.filter((entry) => entry.revision > shownRevision).length,
    // A change tells of itself; this is for those whose news was lost.
    refetchInterval: refetchIntervalMs,
    gcTime: 0,
    enabled,
  });
  return enabled ? (newer.data ?? 0) : 0;
}

function later(one: string | null, other: string | null): string | null {
  if (one === null || other === null) return one ?? other;
  return Date.parse(one) > Date.parse(other) ? one : other;
}

/** Shows the list from the newest entry on. Only its first page is read: the others are out of sight. */
export function useShowNewest(filter: AuditFilter) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      listAuditEntries({ filter, before_revision: null, after_revision: null, limit: pageSize }),
    onSuccess: async (page) => {
      const queryKey = keys.audit.timeline(filter, null);
      await client.cancelQueries({ queryKey });
      client.setQueryData<Pages>(queryKey, { pages: [page], pageParams: [newestPage] });
      // Not for each of a stream of changes: only where the figures are a second old.
      void client.refetchQueries(
        { queryKey: keys.audit.activity(filter), stale: true },
        { cancelRefetch: false },
      );
    },
    meta: { invalidates: [] },
  });
}

/** Buckets begin when hours and days do here. */
const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** How much happened when, for the histogram. */
export function useAuditActivity(filter: AuditFilter) {
  return useQuery({
    queryKey: keys.audit.activity(filter),
    queryFn: () => unwrap(commands.auditActivity(filter, activityBuckets, timeZone)),
    placeholderData: keepPreviousData,
    refetchInterval: activityIntervalMs,
  });
}

/** Who has ever changed something, by name. */
export function useAuditActors() {
  return useQuery({
    queryKey: keys.audit.actors(),
    queryFn: () => unwrap(commands.listAuditActors()),
    staleTime: activityIntervalMs,
  });
}

/** How large a group is, and of what it is made: that stays so. */
export function useAuditGroup(id: string | null) {
  return useQuery({
    queryKey: keys.audit.group(id ?? ""),
    queryFn: id === null ? skipToken : () => unwrap(commands.auditGroup(id)),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** All that happened to one extension, newest first. What was read stays; what is new is read and put above it. */
export function useExtensionHistory(id: string) {
  const client = useQueryClient();
  const queryKey = keys.audit.history(id);
  const filter = { ...everyEntry, extension_id: id };
  const history = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) =>
      listAuditEntries({ filter, before_revision: pageParam, after_revision: null, limit: pageSize }),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.next_before_revision,
    select: (data) => data.pages.flatMap((page) => page.entries),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  const newest = history.data?.[0]?.revision ?? 0;
  // A change tells of itself; this is for those whose news was lost.
  useQuery({
    queryKey: keys.audit.newerInHistory(id, newest),
    queryFn: async () => {
      const newer = await listAuditEntries({
        filter,
        before_revision: null,
        after_revision: newest,
        limit: pageSize,
      });
      if (newer.entries.length > 0) {
        client.setQueryData<{ pages: AuditPage[]; pageParams: (number | null)[] }>(queryKey, (read) => {
          const [first, ...others] = read?.pages ?? [];
          if (!read || !first || (first.entries[0]?.revision ?? 0) !== newest) return read;
          return { ...read, pages: [{ ...first, entries: [...newer.entries, ...first.entries] }, ...others] };
        });
      }
      return newer.entries.length;
    },
    refetchInterval: refetchIntervalMs,
    gcTime: 0,
    enabled: history.data !== undefined,
  });
  return history;
}

/** A note for a change, with a name of its own: asked for again under it, the change is not made twice. */
export function changeNote(): ChangeNote & { request_id: string } {
  return { reason: null, request_id: ownRequestId(), confirmed: null };
}

const changed = { invalidates: [keys.extensions.all, keys.audit.all, keys.health.all] };

/** Takes a change back, or a whole group of them; resolves with the ids of the extensions. */
export function useUndoChanges() {
  return useMutation({
    mutationFn: ({ target, note }: { target: UndoTarget; note: ChangeNote }) =>
      unwrap(commands.undoChanges(target, note)),
    meta: changed,
  });
}

/** Brings an earlier version of an extension back. */
export function useRestoreExtension() {
  return useMutation({
    mutationFn: ({ request, note }: { request: RestoreRequest; note: ChangeNote }) =>
      unwrap(commands.restoreExtension(request, note)),
    meta: changed,
  });
}

/** Writes what the filter lets through to a new file in the folder for downloads; null if it was stopped. */
export function useExportAuditLog() {
  return useMutation({
    mutationKey: keys.audit.exporting(),
    mutationFn: ({ filter, format }: { filter: AuditFilter; format: ExportFormat }) =>
      unwrap(commands.exportAuditLog(filter, format)),
    meta: { invalidates: [] },
  });
}

/** How far the export under way is; null before it told. */
export function useExportProgress(): ExportProgressed | null {
  return useProgress(events.exportProgressed);
}

export function stopExport(): void {
  // One that has ended by itself meanwhile has nothing to stop.
  commands.stopExport().catch(() => undefined);
}

/** Shows an exported file in the desktop's file manager. */
export function showInFolder(path: string): Promise<null> {
  return unwrap(commands.showInFolder(path));
}

/** What the last verification found, also one of an earlier start, and what is known of one under way. */
export function useVerification() {
  const client = useQueryClient();
  const last = useQuery({
    queryKey: keys.audit.verification(),
    queryFn: () => unwrap(commands.lastVerification()),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  const mutationKey = keys.audit.verifying();
  const { mutate } = useMutation({
    mutationKey,
    mutationFn: (scope: VerificationScope) => unwrap(commands.verifyAuditLog(scope)),
    onSuccess: (found) => {
      // One that was stopped leaves what the one before it found.
      if (found) client.setQueryData<LastVerification | null>(keys.audit.verification(), found);
    },
    meta: { invalidates: [] },
  });
  // Of whoever began it: the header and the page tell the same.
  const states = useMutationState({
    filters: { mutationKey, exact: true },
    select: ({ state }) => ({ status: state.status, error: state.error, scope: state.variables }),
  });
  const latest = states.at(-1);
  return {
    last: last.data,
    isKnown: !last.isPending,
    error: last.error ?? latest?.error ?? null,
    /** How much is being verified now; null if nothing is. */
    verifying: latest?.status === "pending" ? (latest.scope as VerificationScope) : null,
    verify: mutate,
  };
}

/** Verifies what is new in the log, unless something is being verified. */
export function useVerifyNew(): () => void {
  const client = useQueryClient();
  const { verify } = useVerification();
  return useCallback(() => {
    if (client.isMutating({ mutationKey: keys.audit.verifying() }) === 0) verify("new");
  }, [client, verify]);
}

/**
 * Verifies what is new in the log: at the start, which goes on from what was verified before, a moment after
 * changes, and from time to time.
 */
export function useKeepVerified(enabled: boolean) {
  const verifyNew = useVerifyNew();
  const { isKnown } = useVerification();
  const isReady = enabled && isKnown;
  useEffect(() => {
    if (!isReady) return;
    verifyNew();
    const interval = setInterval(verifyNew, verificationIntervalMs);
    let soon: ReturnType<typeof setTimeout> | null = null;
    const listening = events.registryChanged.listen(() => {
      // Not for each of a stream of changes.
      soon ??= setTimeout(() => {
        soon = null;
        verifyNew();
      }, verificationPauseMs);
    });
    return () => {
      clearInterval(interval);
      if (soon !== null) clearTimeout(soon);
      listening.then((stop) => stop()).catch(() => undefined);
    };
  }, [isReady, verifyNew]);
}

/** How far the verification under way is; null before it told. */
export function useVerificationProgress(): VerificationProgress | null {
  return useProgress(events.verificationProgressed);
}

export function stopVerification(): void {
  // One that has ended by itself meanwhile has nothing to stop.
  commands.stopVerification().catch(() => undefined);
}

type ProgressEvent<T> = { listen: (listener: (event: { payload: T }) => void) => Promise<() => void> };

function useProgress<T>(event: ProgressEvent<T>): T | null {
  const [progress, setProgress] = useState<T | null>(null);
  useEffect(() => {
    const listening = event.listen(({ payload }) => setProgress(payload));
    return () => {
      listening.then((stop) => stop()).catch(() => undefined);
    };
  }, [event]);
  return progress;
}
