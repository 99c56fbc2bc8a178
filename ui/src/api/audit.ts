import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useEffect, useState } from "react";
import {
  type AuditEntry,
  type AuditFilter,
  type AuditListRequest,
  type AuditPage,
  type ChangeNote,
  commands,
  type ExportFormat,
  events,
  type RestoreRequest,
  type UndoTarget,
  type Verification,
  type VerificationProgress,
} from "../bindings";
import { refetchIntervalMs } from "./client";
import { unwrap } from "./command";
import { keys } from "./keys";

const pageSize = 100;
/** So many pages are held at once; those further away are let go and read again when they are needed. */
const pagesHeld = 8;
/** Pages of a search can have few entries each: so many more of them are held. */
const searchPagesHeld = 200;
/** A search tells how far it is after so many steps, each of which looks at a bounded part of the log. */
const searchSteps = 50;
const historyPageSize = 50;
/** More new entries than this are not counted. */
export const newerCountMax = 20;
/** The clocks of the window and of the database may differ by less than this. */
const clockMarginMs = 300_000;
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

/** Where a page begins, and the page above it, so that one that was let go can be found again. */
type PagePlace = { before: number | null; above: PagePlace | null };
type Pages = { pages: AuditPage[]; pageParams: PagePlace[] };

const newestPage: PagePlace = { before: null, above: null };

function listAuditEntries(request: AuditListRequest) {
  return unwrap(commands.listAuditEntries(request));
}

/** A page of the timeline: steps through the log until it is full, the log ends, or it has gone on for long enough. */
async function searchAuditEntries(
  filter: AuditFilter,
  before: number | null,
  signal: AbortSignal,
): Promise<AuditPage> {
  let page: AuditPage = { entries: [], next_before_revision: before };
  for (let step = 0; step < searchSteps; step++) {
    signal.throwIfAborted();
    const next = await listAuditEntries({
      filter,
      before_revision: page.next_before_revision,
      limit: pageSize - page.entries.length,
    });
    page = {
      entries: [...page.entries, ...next.entries],
      next_before_revision: next.next_before_revision,
    };
    if (page.next_before_revision === null || page.entries.length >= pageSize) break;
  }
  return page;
}

/** Whether no index of the log tells which entries the filter lets through. */
function isSearch({ text, actions, extension_id, changed_by, group_id }: AuditFilter): boolean {
  const indexed = [extension_id, changed_by, group_id].filter((value) => value !== null).length;
  return Boolean(text) || actions.length > 1 || indexed + actions.length > 1;
}

/**
 * What the filter leaves of the log, newest first, in keyset pages that follow on without gaps while
 * entries arrive. Entries never change, so a page that was read stays as it is; `useNewerCount` tells
 * what is new above it.
 */
export function useAuditTimeline(filter: AuditFilter) {
  const held = isSearch(filter) ? searchPagesHeld : pagesHeld;
  return useInfiniteQuery({
    queryKey: keys.audit.timeline(filter),
    queryFn: ({ pageParam, signal }) => searchAuditEntries(filter, pageParam.before, signal),
    initialPageParam: newestPage,
    getNextPageParam: (page, _pages, place) =>
      page.next_before_revision === null
        ? undefined
        : { before: page.next_before_revision, above: fixedPlace(page, place) },
    getPreviousPageParam: (_page, _pages, place) => place.above ?? undefined,
    maxPages: held,
    select: (data) => ({
      entries: data.pages.flatMap((page) => page.entries),
      // Further down, entries that are new appear only after a return to the top.
      beginsAtNewest: data.pageParams[0]?.before === null,
      /** One more page lets go of another. */
      isFull: data.pages.length >= held,
      /** The revision down to which was looked; null at the end of the log. */
      lookedTo: data.pages.at(-1)?.next_before_revision ?? null,
    }),
    // The list stays while what the new filter leaves of it is read.
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    // Who comes back begins at the newest entry, not where a page was last held.
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
}

/** The first page is where the newest entry is now; seen from below, it stays where it was read. */
function fixedPlace(page: AuditPage, place: PagePlace): PagePlace {
  const newest = page.entries[0];
  return place.before === null && newest ? { before: newest.revision + 1, above: null } : place;
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
    mutationFn: () => listAuditEntries({ filter, before_revision: null, limit: pageSize }),
    onSuccess: async (page) => {
      const queryKey = keys.audit.timeline(filter);
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

/** How much happened when, for the histogram. */
export function useAuditActivity(filter: AuditFilter) {
  return useQuery({
    queryKey: keys.audit.activity(filter),
    queryFn: () => unwrap(commands.auditActivity(filter, activityBuckets)),
    placeholderData: keepPreviousData,
    refetchInterval: activityIntervalMs,
  });
}

/** All that happened to one extension, newest first. */
export function useExtensionHistory(id: string) {
  return useInfiniteQuery({
    queryKey: keys.audit.history(id),
    queryFn: ({ pageParam }) =>
      listAuditEntries({
        filter: { ...everyEntry, extension_id: id },
        before_revision: pageParam,
        limit: historyPageSize,
      }),
    initialPageParam: null as number | null,
    getNextPageParam: (page) => page.next_before_revision,
    select: (data) => data.pages.flatMap((page) => page.entries),
    refetchInterval: refetchIntervalMs,
  });
}

/** A note for a change, with a name of its own: asked for again under it, the change is not made twice. */
export function changeNote(): ChangeNote {
  return { reason: null, request_id: crypto.randomUUID(), confirmed: null };
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

/** Writes what the filter lets through to a new file in the folder for downloads. */
export function useExportAuditLog() {
  return useMutation({
    mutationFn: ({ filter, format }: { filter: AuditFilter; format: ExportFormat }) =>
      unwrap(commands.exportAuditLog(filter, format)),
    meta: { invalidates: [] },
  });
}

/** What a verification found, and when. */
type Verified = Verification & { verifiedAt: string };

/**
 * Whether the log is whole: found out when the page is first opened, and when asked for. One that was stopped
 * leaves what the one before it found; null where there was none.
 */
export function useVerification() {
  const client = useQueryClient();
  return useQuery({
    queryKey: keys.audit.verification(),
    queryFn: async (): Promise<Verified | null> => {
      const found = await unwrap(commands.verifyAuditLog());
      if (found) return { ...found, verifiedAt: new Date().toISOString() };
      return client.getQueryData<Verified>(keys.audit.verification()) ?? null;
    },
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    refetchInterval: false,
  });
}

/** How far the verification under way is; null before it told. */
export function useVerificationProgress(): VerificationProgress | null {
  const [progress, setProgress] = useState<VerificationProgress | null>(null);
  useEffect(() => {
    const listening = events.verificationProgressed.listen((event) => setProgress(event.payload));
    return () => {
      listening.then((stop) => stop()).catch(() => undefined);
    };
  }, []);
  return progress;
}

export function stopVerification(): void {
  // One that has ended by itself meanwhile has nothing to stop.
  commands.stopVerification().catch(() => undefined);
}
