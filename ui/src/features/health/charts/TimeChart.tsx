import { ActionIcon, Tooltip } from "@mantine/core";
import { type KeyboardEvent, memo, type PointerEvent, useRef, useState } from "react";
import { type Brush, brushed, movedBrush } from "../../../ui/brush";
import { CopyButton } from "../../../ui/CopyButton";
import { IconTable } from "../../../ui/icons";
import { ChartTable } from "./ChartTable";
import {
  asCsv,
  barsPath,
  type Chart,
  linePath,
  type Steps,
  spanWords,
  timeAt,
  timeTicks,
  valueAxis,
  valueWords,
} from "./chartModel";
import classes from "./charts.module.css";

/** Room for the labels of the values at the left, and so that the last time is not cut off at the right. */
export const leftRoom = 52;
export const rightRoom = 12;
const timeRoom = 20;

/** Where the pointer or the keyboard is in the time that all charts share. */
export type Shared = {
  /** The step under the cursor. */
  cursor: number | null;
  brush: Brush | null;
  onCursor: (cursor: number | null) => void;
  onBrush: (brush: Brush | null) => void;
  onZoom: (brush: Brush) => void;
};

type TimeChartProps = {
  chart: Chart;
  steps: Steps;
  /** Of all of it, in pixels. */
  width: number;
  /** Of what is drawn, without the times below. */
  height: number;
  /** Whether the times stand below. */
  hasTimes: boolean;
  /** When somebody changed the extension, in milliseconds since 1970. */
  marks: readonly number[];
  shared: Shared;
};

/** One chart over time. Dragging, or Enter after choosing with the arrows, zooms in. */
export function TimeChart(props: TimeChartProps) {
  const { chart, steps, shared } = props;
  const [hasTable, setHasTable] = useState(false);
  const place = shared.brush?.focus ?? shared.cursor;
  return (
    <section className={classes.chart} aria-label={chart.name} data-chart={chart.key}>
      <div className={classes.head}>
        <h2 className={classes.title}>{chart.name}</h2>
        <ul className={classes.legend} data-testid={`${chart.key} legend`}>
          {chart.lines.map(({ name, look, values, whole }) => {
            const value = place === null ? whole : (values[place] ?? null);
            return (
              <li key={name}>
                <Sample look={look} shape={chart.shape} />
                {name !== "rate" && <bdi className={classes.lineName}>{name}</bdi>}
                <span className={classes.figure} data-none={value === null || undefined}>
                  {value === null ? "no data" : chart.format(value)}
                </span>
              </li>
            );
          })}
        </ul>
        {hasTable && (
          <CopyButton size="compact-xs" text={asCsv(chart, steps)}>
            Copy as CSV
          </CopyButton>
        )}
        <Tooltip label={hasTable ? "Hide the table" : `${chart.name} as a table`}>
          <ActionIcon
            variant={hasTable ? "light" : "subtle"}
            color="gray"
            size={22}
            aria-label={`${chart.name} as a table`}
            aria-pressed={hasTable}
            onClick={() => setHasTable(!hasTable)}
          >
            <IconTable size={14} aria-hidden />
          </ActionIcon>
        </Tooltip>
      </div>
      <Plot {...props} />
      {hasTable && <ChartTable chart={chart} steps={steps} />}
    </section>
  );
}

/** The line or the bar as it looks in the chart. */
function Sample({ look, shape }: { look: number; shape: Chart["shape"] }) {
  return (
    <svg className={classes.sample} width={16} height={10} aria-hidden="true">
      {shape === "bars" ? (
        <rect className={classes.bar} data-look={look} x={3} width={10} height={10} rx={1.5} />
      ) : (
        <path className={classes.line} data-look={look} d="M1 5H15" />
      )}
    </svg>
  );
}

function Plot({ chart, steps, width, height, hasTimes, marks, shared }: TimeChartProps) {
  const plot = useRef<HTMLDivElement>(null);
  /** Where the pointer was pressed, in pixels; null while it is not. */
  const pressedAt = useRef<number | null>(null);
  const { cursor, brush, onCursor, onBrush, onZoom } = shared;
  const inner = Math.max(1, width - leftRoom - rightRoom);
  const pitch = inner / steps.count;
  const place = brush?.focus ?? cursor;
  const range = spanWords(steps, 0, steps.count - 1).local;

  function placeOf(event: PointerEvent): number {
    const box = plot.current?.getBoundingClientRect();
    if (!box || box.width === 0) return 0;
    const found = Math.floor(((event.clientX - box.left) / box.width) * steps.count);
    return Math.min(steps.count - 1, Math.max(0, found));
  }

  function handleKey(event: KeyboardEvent) {
    if (event.key === "Enter" && brush) onZoom(brush);
    else if (event.key === "Escape" && brush) onBrush(null);
    else {
      const moved = movedBrush(brush, event.key, event.shiftKey, steps.count);
      if (!moved) return;
      onBrush(moved);
    }
    event.preventDefault();
  }

  return (
    <div className={classes.plot} style={{ height: height + (hasTimes ? timeRoom : 6) }}>
      <Drawing chart={chart} steps={steps} width={width} height={height} hasTimes={hasTimes} marks={marks} />
      {/* Over the drawing, which a moving cursor leaves as it is. */}
      <div
        ref={plot}
        className={classes.over}
        style={{ left: leftRoom, width: inner, height }}
        role="slider"
        tabIndex={0}
        aria-label={`${chart.name}, ${range}: ${valueWords(chart, null)}. Arrows choose, with Shift a range, Enter zooms in.`}
        aria-valuemin={0}
        aria-valuemax={steps.count - 1}
        aria-valuenow={place ?? steps.count - 1}
        aria-valuetext={
          place === null
            ? "nothing chosen"
            : `${spanWords(steps, place, place).local}: ${valueWords(chart, place)}`
        }
        onKeyDown={handleKey}
        onBlur={() => onBrush(null)}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          pressedAt.current = event.clientX;
          event.currentTarget.setPointerCapture?.(event.pointerId);
          const index = placeOf(event);
          onBrush({ anchor: index, focus: index });
        }}
        onPointerMove={(event) => {
          const index = placeOf(event);
          onCursor(index);
          if (pressedAt.current !== null && brush) onBrush({ ...brush, focus: index });
        }}
        onPointerUp={(event) => {
          const from = pressedAt.current;
          pressedAt.current = null;
          if (from === null || !brush) return;
          // A click is no drag.
          if (Math.abs(event.clientX - from) < 4) onBrush(null);
          else onZoom({ ...brush, focus: placeOf(event) });
        }}
        onPointerCancel={() => {
          pressedAt.current = null;
          onBrush(null);
        }}
        onPointerLeave={() => onCursor(null)}
      >
        {brush && <Band brush={brush} pitch={pitch} />}
        {place !== null && <div className={classes.cursor} style={{ left: (place + 0.5) * pitch }} />}
        {place !== null && chart.shape === "lines" && (
          <Dots chart={chart} place={place} left={(place + 0.5) * pitch} height={height} />
        )}
      </div>
    </div>
  );
}

function Band({ brush, pitch }: { brush: Brush; pitch: number }) {
  const { first, last } = brushed(brush);
  if (first === last) return null;
  return <div className={classes.band} style={{ left: first * pitch, width: (last - first + 1) * pitch }} />;
}

type DotsProps = { chart: Chart; place: number; left: number; height: number };

function Dots({ chart, place, left, height }: DotsProps) {
  const { low, high } = valueAxis(chart);
  return chart.lines.map(({ name, look, values }) => {
    const value = values[place];
    if (value === null || value === undefined) return null;
    const top = height - ((value - low) / (high - low)) * height;
    return <div key={name} className={classes.dot} data-look={look} style={{ left, top }} />;
  });
}

type DrawingProps = Omit<TimeChartProps, "shared">;

/** All that stays while the cursor moves. */
const Drawing = memo(function Drawing({ chart, steps, width, height, hasTimes, marks }: DrawingProps) {
  const inner = Math.max(1, width - leftRoom - rightRoom);
  const pitch = inner / steps.count;
  const { low, high, ticks } = valueAxis(chart);
  const y = (value: number) => height - ((value - low) / (high - low)) * height;
  const x = (place: number) => leftRoom + (place + 0.5) * pitch;
  const xOf = (at: number) => xOfTime(steps, at, width);
  const gap = pitch > 4 ? 1.5 : pitch > 2 ? 0.75 : 0;
  const barLeft = (place: number) => leftRoom + place * pitch + gap / 2;
  const words = `${chart.name}, ${spanWords(steps, 0, steps.count - 1).local}: ${valueWords(chart, null)}`;
  return (
    <svg
      className={classes.drawing}
      width={width}
      height={height + (hasTimes ? timeRoom : 6)}
      role="img"
      aria-label={words}
    >
      {ticks.map(({ at, label }) => (
        <g key={at}>
          <line
            className={classes.grid}
            x1={leftRoom}
            x2={leftRoom + inner}
            y1={crisp(y(at))}
            y2={crisp(y(at))}
          />
          <text className={classes.label} x={leftRoom - 8} y={y(at)} dy="0.32em" textAnchor="end">
            {label}
          </text>
        </g>
      ))}
      {timeTicks(steps, inner).map(({ at, label }) => (
        <g key={at}>
          <line className={classes.grid} x1={crisp(xOf(at))} x2={crisp(xOf(at))} y1={0} y2={height} />
          {hasTimes && (
            <text className={classes.label} x={xOf(at)} y={height + 15} textAnchor="middle">
              {label}
            </text>
          )}
        </g>
      ))}
      <line
        className={classes.base}
        x1={leftRoom}
        x2={leftRoom + inner}
        y1={crisp(height)}
        y2={crisp(height)}
      />
      {chart.lines.map((line, index) =>
        chart.shape === "bars" ? (
          <path
            key={line.name}
            className={classes.bar}
            data-look={line.look}
            data-line={line.name}
            d={barsPath(chart, index, barLeft, Math.max(0.5, pitch - gap), y)}
          />
        ) : (
          <path
            key={line.name}
            className={classes.line}
            data-look={line.look}
            data-line={line.name}
            d={linePath(line.values, x, y)}
          />
        ),
      )}
      {marks.map((at) => (
        <line key={at} className={classes.mark} x1={crisp(xOf(at))} x2={crisp(xOf(at))} y1={0} y2={height} />
      ))}
      {chart.lines.every(({ whole }) => whole === null || (chart.key === "calls" && whole === 0)) && (
        <text
          className={classes.empty}
          x={leftRoom + inner / 2}
          y={height / 2}
          dy="0.32em"
          textAnchor="middle"
        >
          No call in this time
        </text>
      )}
    </svg>
  );
});

/** A line of one pixel lies on a pixel, not between two. */
function crisp(place: number): number {
  return Math.floor(place) + 0.5;
}

/** How far a moment is from the left edge of the charts, in pixels. */
export function xOfTime(steps: Steps, at: number, width: number): number {
  const share = (at - timeAt(steps, 0)) / (steps.stepMs * steps.count);
  return leftRoom + share * Math.max(1, width - leftRoom - rightRoom);
}
