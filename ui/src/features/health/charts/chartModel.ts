import { nice, ticks } from "d3-array";
import { timeTicks as localTicks } from "d3-time";
import type { HealthPoint, HealthSeries } from "../../../bindings";
import { type Brush, brushed } from "../../../ui/brush";
import { exactDuration, groupedCount, measuredDuration, scoreText } from "../../../ui/figures";
import { shownClockMinute, shownDayOfYear, shownSpan, utcDateTime } from "../../../ui/time";

/** The time axis: so many steps of the same length, from a moment on (in milliseconds since 1970). */
export type Steps = { from: number; stepMs: number; count: number };

/** A row of values; its look is a colour and a pattern of dashes. */
export type Line = {
  name: string;
  look: 1 | 2 | 3 | 4 | 5;
  /** A value of each step; null where there was none. */
  values: readonly (number | null)[];
  /** The value of the whole range. */
  whole: number | null;
};

export type Chart = {
  key: "score" | "latency" | "calls";
  name: string;
  /** Bars stand on each other, the last line's lowest. */
  shape: "lines" | "bars";
  lines: readonly Line[];
  /** A value in words, with its unit. */
  format: (value: number) => string;
};

type Pick = (point: HealthPoint) => number | null;

const looks = [1, 2, 3, 4, 5] as const;
const units = { score: "percent", latency: "ms", calls: "calls" } as const;

export function stepsOf({ range, step_minutes }: HealthSeries): Steps {
  const from = Date.parse(range.from);
  const stepMs = step_minutes * 60_000;
  return { from, stepMs, count: Math.max(1, Math.round((Date.parse(range.until) - from) / stepMs)) };
}

/** The charts of one extension, or of several in the same charts. */
export function chartsOf(all: readonly HealthSeries[]): Chart[] {
  const [only, ...others] = all;
  if (!only) return [];
  const line = (name: string, look: Line["look"], series: HealthSeries, pick: Pick): Line => ({
    name,
    look,
    values: valuesOf(series, pick),
    whole: pick(series.total),
  });
  const ofEach = (pick: Pick) =>
    all.map((series, place) => line(series.extension_id, looks[place % looks.length] ?? 1, series, pick));
  const score: Pick = ({ score_percent }) => score_percent;
  if (others.length > 0)
    return [
      { key: "score", name: "Success rate", shape: "lines", lines: ofEach(score), format: scoreText },
      {
        key: "latency",
        name: "Latency p95",
        shape: "lines",
        lines: ofEach(({ p95_ms }) => p95_ms),
        format: measuredDuration,
      },
      {
        key: "calls",
        name: "Calls",
        shape: "lines",
        lines: ofEach(({ success_count, failure_count }) => success_count + failure_count),
        format: groupedCount,
      },
    ];
  return [
    {
      key: "score",
      name: "Success rate",
      shape: "lines",
      lines: [line("rate", 1, only, score)],
      format: scoreText,
    },
    {
      key: "latency",
      name: "Latency",
      shape: "lines",
      lines: [
        line("p50", 1, only, ({ p50_ms }) => p50_ms),
        line("p95", 3, only, ({ p95_ms }) => p95_ms),
        line("p99", 4, only, ({ p99_ms }) => p99_ms),
      ],
      format: measuredDuration,
    },
    {
      key: "calls",
      name: "Calls",
      shape: "bars",
      lines: [
        line("answered", 1, only, ({ success_count }) => success_count),
        line("failed", 2, only, ({ failure_count }) => failure_count),
      ],
      format: groupedCount,
    },
  ];
}

function valuesOf(series: HealthSeries, pick: Pick): (number | null)[] {
  const { from, stepMs, count } = stepsOf(series);
  const values: (number | null)[] = Array.from({ length: count }, () => null);
  for (const point of series.points) {
    const place = Math.round((Date.parse(point.started_at) - from) / stepMs);
    if (place >= 0 && place < count) values[place] = pick(point);
  }
  return values;
}

export type Tick = { at: number; label: string };

/** Between which values a chart reaches, and the lines across it. */
export function valueAxis(chart: Chart): { low: number; high: number; ticks: Tick[] } {
  const values = chart.lines.flatMap((line) => line.values.filter((value) => value !== null));
  if (chart.key === "score") {
    const lowest = values.reduce((least, value) => Math.min(least, value), 100);
    // A few failures among many calls are to be seen, and a wide range for no reason is not.
    const low = [98, 90, 50].find((edge) => lowest >= edge) ?? 0;
    return { low, high: 100, ticks: ticks(low, 100, 3).map((at) => ({ at, label: `${at} %` })) };
  }
  const tops =
    chart.shape === "bars" ? (chart.lines[0]?.values.map((_, place) => stackAt(chart, place)) ?? []) : values;
  const highest = tops.reduce((most, value) => Math.max(most, value), chart.key === "calls" ? 2 : 1);
  const [low, high] = nice(0, highest, 3);
  const isWhole = (at: number) => chart.key === "latency" || Number.isInteger(at);
  const label = chart.key === "latency" ? exactDuration : groupedCount;
  return {
    low,
    high,
    ticks: ticks(low, high, 3)
      .filter(isWhole)
      .map((at) => ({ at, label: label(at) })),
  };
}

function stackAt({ lines }: Chart, place: number): number {
  return lines.reduce((sum, { values }) => sum + (values[place] ?? 0), 0);
}

/** Times along the axis at full local hours or days, with the date where a day begins. */
export function timeTicks(steps: Steps, width: number): Tick[] {
  const [from, until] = [0, steps.count].map((place) => new Date(timeAt(steps, place)));
  if (!from || !until) return [];
  return localTicks(from, until, Math.max(2, Math.floor(width / 100))).map((tick) => ({
    at: tick.getTime(),
    label: timeLabel(tick),
  }));
}

function timeLabel(tick: Date): string {
  return tick.getHours() === 0 && tick.getMinutes() === 0 ? shownDayOfYear(tick) : shownClockMinute(tick);
}

/** When a step begins, in milliseconds since 1970. */
export function timeAt({ from, stepMs }: Steps, place: number): number {
  return from + place * stepMs;
}

/** The range of time of a selection. */
export function rangeOfBrush(steps: Steps, brush: Brush): { from: string; until: string } {
  const { first, last } = brushed(brush);
  return {
    from: new Date(timeAt(steps, first)).toISOString(),
    until: new Date(timeAt(steps, last + 1)).toISOString(),
  };
}

/** From the beginning of a step to the end of another: "2026-11-23 14:05 – 14:10", and the same in UTC. */
export function spanWords(steps: Steps, first: number, last: number): { local: string; utc: string } {
  const from = new Date(timeAt(steps, first));
  const until = new Date(timeAt(steps, last + 1));
  return {
    local: shownSpan(from, until, "–"),
    utc: `${utcSpan(utcDateTime(from), utcDateTime(until))} UTC`,
  };
}

function utcSpan(from: string, until: string): string {
  const [first, last] = [from.slice(0, 16), until.slice(0, 16)];
  return first.slice(0, 10) === last.slice(0, 10) ? `${first} – ${last.slice(11)}` : `${first} – ${last}`;
}

/** What the chart says of a step, or of the whole range: "p50 12 ms, p95 40 ms, p99 120 ms". */
export function valueWords({ lines, format }: Chart, place: number | null): string {
  return lines
    .map(({ name, values, whole }) => {
      const value = place === null ? whole : (values[place] ?? null);
      return `${name} ${value === null ? "no data" : format(value)}`;
    })
    .join(", ");
}

/** The steps in which there was a call. */
export function filledPlaces({ lines }: Chart): number[] {
  const places = lines[0]?.values.map((_, place) => place) ?? [];
  return places.filter((place) => lines.some(({ values }) => values[place] !== null));
}

/** The figures of a chart as a file, times in UTC and numbers as they are. */
export function asCsv(chart: Chart, steps: Steps): string {
  const head = ["started_at", ...chart.lines.map(({ name }) => quoted(`${name}_${units[chart.key]}`))];
  const rows = filledPlaces(chart).map((place) => [
    new Date(timeAt(steps, place)).toISOString(),
    ...chart.lines.map(({ values }) => values[place] ?? ""),
  ]);
  return [head, ...rows].map((cells) => `${cells.join(",")}\n`).join("");
}

function quoted(name: string): string {
  return /[",\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}

/** A line through the values, which ends where there is none; a value by itself is a dot. */
export function linePath(
  values: readonly (number | null)[],
  x: (place: number) => number,
  y: (value: number) => number,
): string {
  let path = "";
  let length = 0;
  const end = () => {
    // With round ends a line of no length is a dot, but for engines that draw none.
    if (length === 1) path += "h0.01";
    length = 0;
  };
  values.forEach((value, place) => {
    if (value === null) {
      end();
      return;
    }
    path += `${length === 0 ? "M" : "L"}${x(place).toFixed(1)} ${y(value).toFixed(1)}`;
    length += 1;
  });
  end();
  return path;
}

/** Bars of one line, on top of the lines after it. */
export function barsPath(
  chart: Chart,
  line: number,
  x: (place: number) => number,
  width: number,
  y: (value: number) => number,
): string {
  const below = chart.lines.slice(line + 1);
  return (chart.lines[line]?.values ?? [])
    .map((value, place) => {
      if (!value) return "";
      const under = below.reduce((sum, { values }) => sum + (values[place] ?? 0), 0);
      const bottom = y(under);
      // One failure among thousands is still to be seen.
      const height = Math.max(1.5, bottom - y(under + value));
      return `M${x(place).toFixed(1)} ${bottom.toFixed(1)}v-${height.toFixed(1)}h${width.toFixed(1)}v${height.toFixed(1)}z`;
    })
    .join("");
}
