import { type ReactNode, useCallback, useEffect, useMemo, useState } from "react";
import { useAllowed } from "../../api/access";
import {
  newerCountMax,
  type useAuditTimeline,
  useNewerCount,
  useShowNewest,
  useStopSearch,
} from "../../api/audit";
import type { AuditEntry, AuditFilter } from "../../bindings";
import { groupedCount } from "../../ui/figures";
import { useNow } from "../../ui/useNow";
import { AuditTimeline } from "./AuditTimeline";
import type { SearchChange } from "./auditSearch";
import { Searching, searchProgress } from "./Searching";
import { TimelineActionsContext } from "./timelineActions";
import { type TimelineRow, timelineRows } from "./timelineRows";
import { undoForbidden } from "./undoForbidden";
import { useTimelineDialogs } from "./useTimelineDialogs";

/** How long an entry that came in by itself is marked, in milliseconds. */
const freshMs = 6_000;

type LiveTimelineProps = {
  filter: AuditFilter;
  timeline: ReturnType<typeof useAuditTimeline>;
  /** Where in time somebody jumped to. */
  at: string | null;
  /** The group that the filter names: it is there to be looked into. */
  group: string | undefined;
  onFilter: (change: SearchChange) => void;
  /** What stands in the place of a list without entries. */
  empty: ReactNode;
};

const noEntries: AuditEntry[] = [];

/** The timeline with what is open in it, what comes in by itself, and the dialogs that it opens. */
export function LiveTimeline({ filter, timeline, at, group, onFilter, empty }: LiveTimelineProps) {
  const listKey = useMemo(() => ({ filter, at }), [filter, at]);
  const allowed = useAllowed();
  const { hasNextPage, hasPreviousPage, fetchNextPage, fetchPreviousPage, isFetching } = timeline;
  const entries = timeline.data?.entries ?? noEntries;
  const [openEntries, setOpenEntries] = useState<ReadonlySet<number>>(new Set());
  const [openGroups, setOpenGroups] = useState<ReadonlySet<string>>(new Set());
  const [openedFor, setOpenedFor] = useState<AuditFilter | null>(null);
  if (openedFor !== filter) {
    // What was open in another list would hold new entries back in this one.
    setOpenedFor(filter);
    setOpenEntries(new Set());
    setOpenGroups(new Set(group === undefined ? [] : [group]));
  }
  const [away, setAway] = useState(false);
  const { actions, dialog } = useTimelineDialogs(onFilter);

  const day = useNow().toDateString();
  const rows = useMemo(
    () => timelineRows(entries, { now: new Date(day), openGroups, collapse: true, continues: hasNextPage }),
    [entries, day, openGroups, hasNextPage],
  );

  const live = useLiveEntries({
    filter,
    timeline,
    // Who reads further down or in an entry must not lose the place.
    paused: away || at !== null || openEntries.size > 0 || openGroups.size > 0 || dialog !== null,
  });

  function toggle(row: TimelineRow) {
    if (row.kind === "group") setOpenGroups(toggled(openGroups, row.groupId));
    if (row.kind === "entry") setOpenEntries(toggled(openEntries, row.entry.revision));
  }

  function undo(row: TimelineRow) {
    if (row.kind === "day") return;
    const changed = row.kind === "group" ? row.entries : [row.entry];
    if (undoForbidden(changed, allowed) !== null) return;
    actions.undo(row.kind === "group" ? row : { kind: "entry", entry: row.entry });
  }

  const [stoppedIn, setStoppedIn] = useState<object | null>(null);
  const isStopped = stoppedIn === listKey;
  const stopSearch = useStopSearch(filter, at);
  function stop() {
    setStoppedIn(listKey);
    stopSearch();
  }
  const goOn = useCallback(() => {
    setStoppedIn(null);
    void fetchNextPage();
  }, [fetchNextPage]);
  const loadOlder = useCallback(() => {
    if (!isStopped) void fetchNextPage();
  }, [isStopped, fetchNextPage]);
  const loadNewer = useCallback(() => void fetchPreviousPage(), [fetchPreviousPage]);
  const lookedTo = timeline.data?.lookedTo ?? null;
  const progress = searchProgress(timeline.data?.searched ?? null, lookedTo);
  const isSearching = entries.length === 0 && hasNextPage;
  useEffect(() => {
    if (isSearching && !isFetching) loadOlder();
  }, [isSearching, isFetching, loadOlder]);
  if (isSearching) return <Searching progress={progress} isStopped={isStopped} onStop={stop} onGoOn={goOn} />;
  if (entries.length === 0) return empty;
  return (
    <TimelineActionsContext value={actions}>
      <AuditTimeline
        rows={rows}
        openEntries={openEntries}
        onToggle={toggle}
        onUndo={undo}
        hasOlder={hasNextPage}
        search={progress && { ...progress, isStopped, onStop: stop, onGoOn: goOn }}
        hasNewer={hasPreviousPage}
        isFull={timeline.data?.isFull ?? false}
        isLoading={isFetching}
        onLoadOlder={loadOlder}
        onLoadNewer={loadNewer}
        toNewest={toNewestWords(live.waitingCount, hasPreviousPage || at !== null)}
        onShowNewest={at === null ? live.showNewest : () => onFilter({ at: undefined })}
        onAway={setAway}
        freshSince={live.freshSince}
        isStale={timeline.isPlaceholderData}
        listKey={listKey}
        aimedAt={at === null ? null : (timeline.data?.aimedAt ?? null)}
      />
      {dialog}
    </TimelineActionsContext>
  );
}

function toggled<T>(set: ReadonlySet<T>, member: T): ReadonlySet<T> {
  const next = new Set(set);
  if (!next.delete(member)) next.add(member);
  return next;
}

/** "3 new entries", and no more exact than it is known; null where the newest is in the list. */
function toNewestWords(waitingCount: number, hasNewer: boolean): string | null {
  if (waitingCount > newerCountMax) return `More than ${groupedCount(newerCountMax)} new entries`;
  if (waitingCount > 0)
    return waitingCount === 1 ? "1 new entry" : `${groupedCount(waitingCount)} new entries`;
  return hasNewer ? "To the newest entry" : null;
}

type LiveOptions = Pick<LiveTimelineProps, "filter" | "timeline"> & { paused: boolean };

/** Lets new entries in by themselves, or, while paused, tells how many wait. */
function useLiveEntries({ filter, timeline, paused }: LiveOptions) {
  const { data, isPlaceholderData, isFetching, dataUpdatedAt } = timeline;
  // Pages further down don't begin at the newest entry; what was the newest at the top still is what was seen.
  const [seen, setSeen] = useState({ filter, newest: data?.entries[0] });
  if (data && !isPlaceholderData && data.beginsAtNewest) {
    const newest = data.entries[0];
    if (seen.filter !== filter || newest?.revision !== seen.newest?.revision) setSeen({ filter, newest });
  }
  const hasEnded = filter.until !== null && Date.parse(filter.until) < Date.now();
  const waitingCount = useNewerCount(filter, {
    newest: seen.newest,
    readAt: dataUpdatedAt,
    enabled: data !== undefined && !isPlaceholderData && !hasEnded,
  });
  const { mutate, isPending } = useShowNewest(filter);
  const showNewest = useCallback(() => mutate(), [mutate]);
  const comesIn = waitingCount > 0 && !paused && !isFetching && !isPending;
  useEffect(() => {
    if (comesIn) showNewest();
  }, [comesIn, showNewest]);

  return {
    waitingCount: paused ? waitingCount : 0,
    freshSince: useFreshSince(seen.newest?.revision ?? 0, filter),
    showNewest,
  };
}

/** Up to which revision entries are nothing new: those above it have come in within the last seconds. */
function useFreshSince(newest: number, filter: AuditFilter): number {
  const [seen, setSeen] = useState({ newest, filter });
  if (seen.filter !== filter) setSeen({ newest, filter });
  useEffect(() => {
    if (newest === seen.newest) return;
    const timer = setTimeout(() => setSeen({ newest, filter }), freshMs);
    return () => clearTimeout(timer);
  }, [newest, filter, seen.newest]);
  return seen.newest;
}
