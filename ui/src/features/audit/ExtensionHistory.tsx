import { Button } from "@mantine/core";
import { measureElement, useVirtualizer } from "@tanstack/react-virtual";
import { useLayoutEffect, useMemo, useRef, useState } from "react";
import { useExtensionHistory } from "../../api/audit";
import { EmptyState } from "../../ui/EmptyState";
import { IconHistory } from "../../ui/icons";
import { isolated } from "../../ui/isolated";
import { Panel } from "../../ui/Panel";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { scrollParent } from "../../ui/scrollParent";
import { useNow } from "../../ui/useNow";
import { AuditFailure } from "./AuditFailure";
import { AuditTimelineEntry } from "./AuditTimelineEntry";
import classes from "./ExtensionHistory.module.css";
import { TimelineActionsContext } from "./timelineActions";
import { type TimelineRow, timelineRows } from "./timelineRows";
import { useTimelineDialogs } from "./useTimelineDialogs";

const noGroups: ReadonlySet<string> = new Set();

/** All that happened to one extension, newest first, with the way back to each version. */
export function ExtensionHistory({ id }: { id: string }) {
  const history = useExtensionHistory(id);
  const { data: entries, hasNextPage, isFetchingNextPage } = history;
  const { actions, dialog } = useTimelineDialogs(null);
  const [openEntries, setOpenEntries] = useState<ReadonlySet<number>>(new Set());
  const day = useNow().toDateString();
  const rows = useMemo(
    () =>
      timelineRows(entries ?? [], {
        now: new Date(day),
        openGroups: noGroups,
        collapse: false,
        continues: false,
      }),
    [entries, day],
  );

  function toggle(revision: number) {
    const next = new Set(openEntries);
    if (!next.delete(revision)) next.add(revision);
    setOpenEntries(next);
  }

  if (entries === undefined)
    return history.error ? (
      <AuditFailure
        tried={`The history of ${isolated(id)} could not be read`}
        thrown={history.error}
        onRetry={() => void history.refetch()}
      />
    ) : (
      <SkeletonRows label={`Reading the history of ${id}`} />
    );
  if (entries.length === 0)
    return (
      <EmptyState icon={IconHistory} title="Not changed yet">
        It is as it was when this registry began. Its first change will be written here.
      </EmptyState>
    );
  return (
    <TimelineActionsContext value={actions}>
      <Panel>
        <HistoryRows rows={rows} openEntries={openEntries} onToggle={toggle} />
      </Panel>
      {hasNextPage && (
        <Button
          size="xs"
          mt="sm"
          variant="default"
          loading={isFetchingNextPage}
          onClick={() => void history.fetchNextPage()}
        >
          Load older
        </Button>
      )}
      {dialog}
    </TimelineActionsContext>
  );
}

const entryHeight = 36;
const dayHeight = 29;

type HistoryRowsProps = {
  rows: readonly TimelineRow[];
  openEntries: ReadonlySet<number>;
  onToggle: (revision: number) => void;
};

/** The rows that are in sight of what the history scrolls in. */
function HistoryRows({ rows, openEntries, onToggle }: HistoryRowsProps) {
  const list = useRef<HTMLDivElement>(null);
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  const [scrollMargin, setScrollMargin] = useState(0);
  useLayoutEffect(() => {
    const parent = scrollParent(list.current) ?? document.documentElement;
    setScroller(parent);
    const top = list.current?.getBoundingClientRect().top ?? 0;
    setScrollMargin(top - parent.getBoundingClientRect().top + parent.scrollTop);
  }, []);
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller,
    estimateSize: (index) => (rows[index]?.kind === "day" ? dayHeight : entryHeight),
    getItemKey: (index) => rows[index]?.key ?? index,
    measureElement: (element, entry, instance) => measureElement(element, entry, instance) || entryHeight,
    overscan: 10,
    scrollMargin,
  });
  return (
    <div ref={list} className={classes.rows} style={{ height: virtualizer.getTotalSize() }}>
      {virtualizer.getVirtualItems().map((item) => {
        const row = rows[item.index];
        if (!row) return null;
        return (
          <div
            key={item.key}
            ref={virtualizer.measureElement}
            data-index={item.index}
            data-first={row.first || undefined}
            data-last={row.last || undefined}
            className={classes.row}
            style={{ transform: `translateY(${item.start - scrollMargin}px)` }}
          >
            {row.kind === "entry" ? (
              <AuditTimelineEntry
                entry={row.entry}
                open={openEntries.has(row.entry.revision)}
                onToggle={() => onToggle(row.entry.revision)}
              />
            ) : (
              <h2 className={classes.day}>{row.day}</h2>
            )}
          </div>
        );
      })}
    </div>
  );
}
