import { ActionIcon, Popover, Tooltip } from "@mantine/core";
import type { TablerIcon } from "@tabler/icons-react";
import { type KeyboardEvent, type PointerEvent, useRef, useState } from "react";
import type { AuditActivity } from "../../bindings";
import { type Brush, brushed, movedBrush } from "../../ui/brush";
import { counted, groupedCount } from "../../ui/figures";
import { IconArrowsHorizontal, IconTable, IconZoomOut } from "../../ui/icons";
import { shownDate, shownDateTime, shownMinute } from "../../ui/time";
import classes from "./ActivityHistogram.module.css";
import { brushRange, bucketLength, bucketTime, countIn, type TimeRange, widerRange } from "./activityBrush";

type ActivityHistogramProps = {
  activity: AuditActivity;
  /** The range that the filter asks for; open where the log is. */
  asked: { since: string | null; until: string | null };
  onZoom: (range: TimeRange) => void;
};

/** How much happened when. Dragging over it, or Enter after choosing with the arrows, zooms in; a minus, out. */
export function ActivityHistogram({ activity, asked, onZoom }: ActivityHistogramProps) {
  const plot = useRef<HTMLDivElement>(null);
  const [brush, setBrush] = useState<Brush | null>(null);
  const [hovered, setHovered] = useState<number | null>(null);
  const dragging = useRef(false);
  const { counts } = activity;
  const highest = Math.max(1, ...counts);
  // The whole log can't be zoomed out of.
  const isZoomed = asked.since !== null || asked.until !== null;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const range = `${shortTime(activity, 0)} to ${shortTime(activity, counts.length)}`;
  const told = brush ?? (hovered === null ? null : { anchor: hovered, focus: hovered });

  function bucketAt(event: PointerEvent): number {
    const box = plot.current?.getBoundingClientRect();
    if (!box || box.width === 0) return 0;
    const index = Math.floor(((event.clientX - box.left) / box.width) * counts.length);
    return Math.min(counts.length - 1, Math.max(0, index));
  }

  function zoom(selection: Brush) {
    setBrush(null);
    onZoom(brushRange(activity, selection, asked.until !== null));
  }

  function zoomOut() {
    setBrush(null);
    onZoom(widerRange(activity, new Date()));
  }

  function handleKey(event: KeyboardEvent) {
    if (event.key === "Enter" && brush) zoom(brush);
    else if (event.key === "Escape" && brush) setBrush(null);
    else if (event.key === "-" && isZoomed) zoomOut();
    else {
      const moved = movedBrush(brush, event.key, event.shiftKey, counts.length);
      if (!moved) return;
      setBrush(moved);
    }
    event.preventDefault();
  }

  return (
    <div className={classes.histogram}>
      <div
        ref={plot}
        className={classes.plot}
        role="slider"
        tabIndex={0}
        aria-label={`Activity: ${counted(total, "change")}, ${range}. Arrows choose, with Shift a range, Enter zooms in, minus out.`}
        aria-valuemin={0}
        aria-valuemax={counts.length - 1}
        aria-valuenow={brush?.focus ?? counts.length - 1}
        aria-valuetext={brush ? words(activity, brush) : `nothing chosen of ${range}`}
        onKeyDown={handleKey}
        onBlur={() => setBrush(null)}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          dragging.current = true;
          event.currentTarget.setPointerCapture?.(event.pointerId);
          const index = bucketAt(event);
          setBrush({ anchor: index, focus: index });
        }}
        onPointerMove={(event) => {
          const index = bucketAt(event);
          setHovered(index);
          if (dragging.current && brush) setBrush({ ...brush, focus: index });
        }}
        onPointerUp={() => {
          if (dragging.current && brush) zoom(brush);
          dragging.current = false;
        }}
        onPointerCancel={() => {
          dragging.current = false;
          setBrush(null);
        }}
        onPointerLeave={() => setHovered(null)}
      >
        <Bars counts={counts} highest={highest} />
        {told && <Band selection={told} count={counts.length} chosen={brush !== null} />}
      </div>
      <div className={classes.foot}>
        <span>{shortTime(activity, 0)}</span>
        <span className={classes.told} data-testid="activity">
          {told ? words(activity, told) : summary(activity, total)}
        </span>
        <span>{shortTime(activity, counts.length)}</span>
        {isZoomed && (
          <>
            <Tool label="Zoom out" icon={IconZoomOut} onClick={zoomOut} />
            <Tool
              label="The whole log"
              icon={IconArrowsHorizontal}
              onClick={() => onZoom({ since: undefined, until: undefined })}
            />
          </>
        )}
        <TableButton activity={activity} />
      </div>
    </div>
  );
}

type ToolProps = { label: string; icon: TablerIcon; onClick: () => void };

function Tool({ label, icon: Icon, onClick }: ToolProps) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" size={24} aria-label={label} onClick={onClick}>
        <Icon size={13} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}

function Bars({ counts, highest }: { counts: readonly number[]; highest: number }) {
  return (
    <svg
      className={classes.bars}
      viewBox={`0 0 ${counts.length} 100`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {counts.map((count, index) => {
        if (count === 0) return null;
        // One change among thousands is still to be seen.
        const height = Math.max(7, (count / highest) * 100);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a bucket is its place
          <rect key={index} x={index + 0.12} y={100 - height} width={0.76} height={height} />
        );
      })}
    </svg>
  );
}

function Band({ selection, count, chosen }: { selection: Brush; count: number; chosen: boolean }) {
  const { first, last } = brushed(selection);
  return (
    <div
      className={classes.band}
      data-chosen={chosen || undefined}
      style={{ left: `${(first / count) * 100}%`, width: `${((last - first + 1) / count) * 100}%` }}
    />
  );
}

/** The same in figures. */
function TableButton({ activity }: { activity: AuditActivity }) {
  const filled = activity.counts
    .map((count, index) => ({ count, index }))
    .filter(({ count }) => count > 0)
    .reverse();
  return (
    <Popover position="bottom-end" withinPortal>
      <Popover.Target>
        <Tooltip label="The activity as a table">
          <ActionIcon variant="subtle" color="gray" size={24} aria-label="The activity as a table">
            <IconTable size={13} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown aria-label="The activity as a table" className={classes.dropdown ?? ""}>
        <table className={classes.table} aria-label="Activity">
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">Changes</th>
            </tr>
          </thead>
          <tbody>
            {filled.map(({ count, index }) => (
              <tr key={index}>
                <td>{shownDateTime(bucketTime(activity, index))}</td>
                <td>{groupedCount(count)}</td>
              </tr>
            ))}
            {filled.length === 0 && (
              <tr>
                <td colSpan={2}>No change in this time.</td>
              </tr>
            )}
          </tbody>
        </table>
      </Popover.Dropdown>
    </Popover>
  );
}

function summary(activity: AuditActivity, total: number): string {
  const each = `one bar ${bucketLength(activity.bucket)}`;
  if (activity.counted_since !== null) {
    return `The newest ${counted(total, "change")}, since ${shownDateTime(new Date(activity.counted_since))} · ${each}`;
  }
  return `${counted(total, "change")} · ${each} · drag to zoom in`;
}

function words(activity: AuditActivity, selection: Brush): string {
  const { first, last } = brushed(selection);
  const from = shownMinute(bucketTime(activity, first));
  const to = shownMinute(bucketTime(activity, last + 1));
  return `${counted(countIn(activity, selection), "change")}, ${from} to ${to}`;
}

/** Five days, in milliseconds. */
const longRangeMs = 432_000_000;

/** A day where the range is long, the minute where it is short. */
function shortTime(activity: AuditActivity, index: number): string {
  const time = bucketTime(activity, index);
  const rangeMs = bucketTime(activity, activity.counts.length).getTime() - bucketTime(activity, 0).getTime();
  return rangeMs > longRangeMs ? shownDate(time) : shownMinute(time);
}
