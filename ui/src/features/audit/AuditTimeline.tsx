import { Button, UnstyledButton } from "@mantine/core";
import { measureElement, useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from "react";
import { IconArrowUp } from "../../ui/icons";
import { useShortcuts } from "../../ui/useShortcuts";
import { AuditGroupRow } from "./AuditGroupRow";
import classes from "./AuditTimeline.module.css";
import { AuditTimelineEntry } from "./AuditTimelineEntry";
import { progressWords, type SearchProgress } from "./Searching";
import type { TimelineRow } from "./timelineRows";

const entryHeight = 36;
const dayHeight = 30;
/** So near to an end of what is loaded, in rows, more is read. */
const loadAhead = 15;
/** Scrolled down by less than this, in pixels, is still at the top. */
const topMargin = 24;

type AuditTimelineProps = {
  rows: readonly TimelineRow[];
  openEntries: ReadonlySet<number>;
  onToggle: (row: TimelineRow) => void;
  onUndo: (row: TimelineRow) => void;
  hasOlder: boolean;
  /** How far the search is, where one looks for what is shown. */
  search: (SearchProgress & { isStopped: boolean; onStop: () => void; onGoOn: () => void }) | null;
  hasNewer: boolean;
  /** One more page on one side lets go of one on the other. */
  isFull: boolean;
  isLoading: boolean;
  onLoadOlder: () => void;
  onLoadNewer: () => void;
  /** Why to go to the newest entry, where it is not in sight: such as what is new there. */
  toNewest: string | null;
  onShowNewest: () => void;
  onAway: (away: boolean) => void;
  /** Entries above this revision have just come in. */
  freshSince: number;
  isStale: boolean;
  /** Another one is another list: it is shown from its beginning. */
  listKey: unknown;
  /** Or from the newest entry up to this revision. */
  aimedAt: number | null;
};

export function AuditTimeline(props: AuditTimelineProps) {
  const { rows, onAway } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [away, setAway] = useState(false);
  const [activeKey, setActiveKey] = useState<string | null>(null);
  const [heading, setHeading] = useState<Heading>(null);

  const virtualizer = useVirtualizer({
    count: rows.length + 1,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (rows[index]?.kind === "day" ? dayHeight : entryHeight),
    getItemKey: (index) => rows[index]?.key ?? "end",
    measureElement: (element, entry, instance) => measureElement(element, entry, instance) || entryHeight,
    overscan: 10,
    scrollPaddingStart: dayHeight,
    // What is read stays where it is while rows come and go above it; at the top, new ones are seen to come in.
    anchorTo: away ? "end" : "start",
  });
  const items = virtualizer.getVirtualItems();
  const { startIndex, endIndex } = virtualizer.range ?? { startIndex: 0, endIndex: 0 };
  const loadsOlder = useLoading(props, { startIndex, endIndex, heading });

  const shownList = useRef<unknown>(null);
  const { listKey, aimedAt, isStale } = props;
  useLayoutEffect(() => {
    // What is still seen of the list before it stays where it is.
    if (isStale || shownList.current === listKey) return;
    shownList.current = listKey;
    setHeading(null);
    const index = aimedAt === null ? 0 : aimedIndex(rows, aimedAt);
    if (index > 0) virtualizer.scrollToIndex(index, { align: "start" });
    else scroller.current?.scrollTo({ top: 0 });
  }, [listKey, aimedAt, isStale, rows, virtualizer]);

  const lastScroll = useRef({ top: 0, height: 0 });
  function noteScroll() {
    if (!scroller.current) return;
    const { scrollTop: top, scrollHeight: height } = scroller.current;
    const last = lastScroll.current;
    lastScroll.current = { top, height };
    // Where the height changed too, rows came or went above, and nobody has scrolled.
    if (height === last.height && top !== last.top) setHeading(top < last.top ? "newer" : "older");
    const isAway = top > topMargin;
    if (isAway === away) return;
    setAway(isAway);
    onAway(isAway);
  }

  /** The row that has the keyboard, or that had it last. */
  function activeIndex(): number {
    return rows.findIndex((row) => row.key === activeKey && row.kind !== "day");
  }

  function focusRow(index: number) {
    const row = rows[index];
    if (!row) return;
    setActiveKey(row.key);
    virtualizer.scrollToIndex(index, { align: "auto" });
    requestAnimationFrame(() =>
      scroller.current
        ?.querySelector<HTMLElement>(`[data-index="${index}"] [aria-expanded]`)
        ?.focus({ preventScroll: true }),
    );
  }

  function move(by: 1 | -1) {
    const from = activeIndex();
    let index = from < 0 ? (by > 0 ? -1 : startIndex) : from;
    do index += by;
    while (rows[index]?.kind === "day");
    focusRow(index);
  }

  useShortcuts({
    j: () => move(1),
    k: () => move(-1),
    u: () => {
      const row = rows[activeIndex()];
      if (row) props.onUndo(row);
      return row !== undefined;
    },
  });

  function handleKey(event: KeyboardEvent) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    if (!(event.target instanceof HTMLElement) || !event.target.hasAttribute("aria-expanded")) return;
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  }

  function showNewest() {
    scroller.current?.scrollTo({ top: 0 });
    setHeading(null);
    // Only when it is seen to be at the top: rows that come before would keep what was read in its place.
    requestAnimationFrame(() => requestAnimationFrame(props.onShowNewest));
  }

  return (
    <div className={classes.frame}>
      {props.toNewest !== null && (
        <UnstyledButton className={classes.pill} onClick={showNewest}>
          <IconArrowUp size={13} stroke={2} aria-hidden />
          {props.toNewest}
        </UnstyledButton>
      )}
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the arrows move between the buttons in it */}
      <div
        ref={scroller}
        className={classes.scroller}
        data-stale={props.isStale || undefined}
        onScroll={noteScroll}
        onKeyDown={handleKey}
        onFocus={(event) => {
          const index = event.target.closest<HTMLElement>("[data-index]")?.dataset.index;
          setActiveKey(rows[Number(index)]?.key ?? null);
        }}
      >
        <div className={classes.day} data-sticky aria-hidden>
          {rows[Math.min(topIndex(virtualizer, rows.length), rows.length - 1)]?.day}
        </div>
        <div className={classes.rows} style={{ height: virtualizer.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index];
            return (
              <div
                key={item.key}
                ref={virtualizer.measureElement}
                data-index={item.index}
                data-first={row?.first || undefined}
                data-last={row?.last || undefined}
                data-fresh={isFresh(row, props.freshSince) || undefined}
                className={classes.row}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                {row ? <Row row={row} {...props} /> : <End loadsOlder={loadsOlder} {...props} />}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

function Row({ row, openEntries, onToggle }: AuditTimelineProps & { row: TimelineRow }) {
  switch (row.kind) {
    case "day":
      return <h2 className={classes.day}>{row.day}</h2>;
    case "group":
      return (
        <AuditGroupRow
          groupId={row.groupId}
          entries={row.entries}
          open={row.open}
          continues={row.continues}
          onToggle={() => onToggle(row)}
        />
      );
    case "entry":
      return (
        <AuditTimelineEntry
          entry={row.entry}
          inGroup={row.inGroup}
          open={openEntries.has(row.entry.revision)}
          onToggle={() => onToggle(row)}
        />
      );
  }
}

function End({ loadsOlder, hasOlder, search, onLoadOlder }: AuditTimelineProps & { loadsOlder: boolean }) {
  return (
    <div className={classes.end} role="status">
      {!hasOlder ? (
        "Nothing older"
      ) : search?.isStopped ? (
        <>
          Stopped after {progressWords(search)}
          <Button size="compact-xs" variant="default" onClick={search.onGoOn}>
            Go on
          </Button>
        </>
      ) : loadsOlder ? (
        <>
          {search ? `Searching: ${progressWords(search)}` : "Reading older entries…"}
          {search && (
            <Button size="compact-xs" variant="default" onClick={search.onStop}>
              Stop
            </Button>
          )}
        </>
      ) : (
        <Button size="compact-xs" variant="subtle" onClick={onLoadOlder}>
          Load older
        </Button>
      )}
    </div>
  );
}

/** The first row that is not newer than what was aimed at; the head of its day stands above the list. */
function aimedIndex(rows: readonly TimelineRow[], revision: number): number {
  const index = rows.findIndex((row) => row.kind !== "day" && newestRevision(row) <= revision);
  return index < 0 ? rows.length - 1 : index;
}

function newestRevision(row: TimelineRow): number {
  if (row.kind === "entry") return row.entry.revision;
  return row.kind === "group" ? (row.entries[0]?.revision ?? 0) : 0;
}

/** Where somebody scrolls to; null before anybody did. */
type Heading = "newer" | "older" | null;

type Sight = { startIndex: number; endIndex: number; heading: Heading };

/** Reads the pages around what is in sight; tells whether it goes on to older ones. */
function useLoading(props: AuditTimelineProps, { startIndex, endIndex, heading }: Sight): boolean {
  const { rows, hasOlder, hasNewer, isFull, isLoading, onLoadOlder, onLoadNewer } = props;
  const hidden = rows.length - (endIndex - startIndex);
  // A few rows can stand for many entries, where groups are folded: both ends must not be near at once.
  const ahead = Math.min(loadAhead, Math.max(0, Math.floor(hidden / 4)));
  // Nobody asked for what would push the newest entries out.
  const mayLoadOlder = heading === "older" || (heading === null && !isFull);
  const wantsOlder = hasOlder && mayLoadOlder && endIndex >= rows.length - ahead;
  const wantsNewer = hasNewer && heading === "newer" && startIndex <= ahead;

  // biome-ignore lint/correctness/useExhaustiveDependencies: a page may come before it was seen to be loading
  useEffect(() => {
    if (isLoading) return;
    if (wantsOlder) onLoadOlder();
    else if (wantsNewer) onLoadNewer();
  }, [rows, isLoading, wantsOlder, wantsNewer, onLoadOlder, onLoadNewer]);
  return wantsOlder;
}

/** The row at the upper edge: its day stands there while its day's own head is out of sight. */
function topIndex(
  virtualizer: { scrollOffset: number | null; getVirtualItemForOffset: VirtualItemAt },
  count: number,
) {
  return virtualizer.getVirtualItemForOffset(virtualizer.scrollOffset ?? 0)?.index ?? count;
}

type VirtualItemAt = (offset: number) => { index: number } | undefined;

function isFresh(row: TimelineRow | undefined, since: number): boolean {
  if (row?.kind === "entry") return row.entry.revision > since;
  return row?.kind === "group" && (row.entries[0]?.revision ?? 0) > since;
}
