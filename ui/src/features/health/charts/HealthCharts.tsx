import { useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo, useState } from "react";
import { toErrorReport } from "../../../api/command";
import { type RangeOfTime, useHealthMarks, useHealthSeries } from "../../../api/health";
import type { AuditEntry, HealthSource } from "../../../bindings";
import { type Brush, brushed } from "../../../ui/brush";
import { ErrorState } from "../../../ui/ErrorState";
import { SkeletonRows } from "../../../ui/SkeletonRows";
import { StaleNotice } from "../../../ui/StaleNotice";
import { useWidth } from "../../../ui/useWidth";
import type { OwnRange } from "../healthSearch";
import { stepWords } from "../stepWords";
import { ChangeMarks, markTime } from "./ChangeMarks";
import { chartsOf, rangeOfBrush, type Steps, spanWords, stepsOf } from "./chartModel";
import classes from "./charts.module.css";
import { SeriesFigures } from "./SeriesFigures";
import { TimeChart } from "./TimeChart";

/** A point has at least this many pixels. */
const pixelsPerPoint = 3;
/** A window that is drawn wider asks anew only where that gives so many points more. */
const pointsRounding = 50;

const heights = { score: 116, latency: 116, calls: 84 } as const;

type HealthChartsProps = {
  /** The extension, and those that it is compared with. */
  ids: readonly string[];
  range: RangeOfTime;
  source: HealthSource;
  onZoom: (own: OwnRange) => void;
};

/** Rate, latency and number of the calls over time, under one cursor, with who changed the extension when. */
export function HealthCharts({ ids, range, source, onZoom }: HealthChartsProps) {
  const [ref, width] = useWidth<HTMLDivElement>();
  const pointsMax =
    width === 0
      ? 0
      : Math.max(pointsRounding, Math.floor(width / pixelsPerPoint / pointsRounding) * pointsRounding);
  const series = useHealthSeries({ ids, range, pointsMax, source });
  const { data, error } = series;
  const refetch = () => void series.refetch();
  return (
    <div ref={ref} className={classes.charts} aria-busy={series.isPlaceholderData}>
      {data?.[0] ? (
        <>
          {error && (
            <StaleNotice error={toErrorReport(error)} shownSince={series.dataUpdatedAt} onRetry={refetch} />
          )}
          <SeriesFigures series={data} />
          <Charts data={data} id={ids[0] ?? ""} range={range} width={width} onZoom={onZoom} />
        </>
      ) : error ? (
        <ErrorState
          tried="The history of health could not be read"
          error={toErrorReport(error)}
          onRetry={refetch}
        />
      ) : (
        <SkeletonRows label="Reading the history of health" />
      )}
    </div>
  );
}

type ChartsProps = {
  data: NonNullable<ReturnType<typeof useHealthSeries>["data"]>;
  id: string;
  range: RangeOfTime;
  width: number;
  onZoom: (own: OwnRange) => void;
};

const noEntries: readonly AuditEntry[] = [];

function Charts({ data, id, range, width, onZoom }: ChartsProps) {
  const navigate = useNavigate();
  const [cursor, setCursor] = useState<number | null>(null);
  const [brush, setBrush] = useState<Brush | null>(null);
  const charts = useMemo(() => chartsOf(data), [data]);
  const steps = useMemo(() => (data[0] ? stepsOf(data[0]) : { from: 0, stepMs: 1, count: 1 }), [data]);
  const marked = useHealthMarks(id, range);
  const entries = useMemo(
    // What was there before a new range is shown until that is read.
    () => (marked.data?.entries ?? noEntries).filter((entry) => isWithin(steps, markTime(entry))),
    [marked.data, steps],
  );
  const marks = useMemo(() => entries.map(markTime).filter((at) => at !== null), [entries]);
  const zoom = useCallback(
    (chosen: Brush) => {
      setBrush(null);
      setCursor(null);
      onZoom(rangeOfBrush(steps, chosen));
    },
    [onZoom, steps],
  );
  // Newer figures may have moved the axis from under them.
  const within = (place: number) => place < steps.count;
  const shared = {
    cursor: cursor !== null && within(cursor) ? cursor : null,
    brush: brush && within(brush.focus) && within(brush.anchor) ? brush : null,
    onCursor: setCursor,
    onBrush: setBrush,
    onZoom: zoom,
  };

  function openChanges(chosen: readonly AuditEntry[]) {
    const times = chosen
      .map(({ sealed_at }) => Date.parse(sealed_at ?? ""))
      .filter((at) => !Number.isNaN(at));
    void navigate({
      to: "/audit",
      search: {
        extension: id,
        ...(times.length > 0 && {
          since: new Date(Math.min(...times) - 1).toISOString(),
          until: new Date(Math.max(...times) + 1).toISOString(),
        }),
      },
    });
  }

  return (
    <>
      <Readout steps={steps} place={shared.brush?.focus ?? shared.cursor} brush={shared.brush} />
      <ChangeMarks entries={entries} steps={steps} width={width} onOpen={openChanges} />
      {charts.map((chart, index) => (
        <TimeChart
          key={chart.key}
          chart={chart}
          steps={steps}
          width={width}
          height={heights[chart.key]}
          hasTimes={index === charts.length - 1}
          marks={marks}
          shared={shared}
        />
      ))}
      {marked.error && (
        <p className={classes.note}>Changes are not marked: {toErrorReport(marked.error).message}</p>
      )}
      {marked.data?.hasMore && (
        <p className={classes.note}>
          Of the changes in this time only the newest {entries.length} are marked.
        </p>
      )}
    </>
  );
}

function isWithin({ from, stepMs, count }: Steps, at: number | null): boolean {
  return at !== null && at >= from && at <= from + stepMs * count;
}

type ReadoutProps = { steps: Steps; place: number | null; brush: Brush | null };

/** Which time the figures are of. */
function Readout({ steps, place, brush }: ReadoutProps) {
  const { local, utc } = spanWords(steps, place ?? 0, place ?? steps.count - 1);
  const { first, last } = brush ? brushed(brush) : { first: 0, last: 0 };
  const hint =
    first !== last
      ? `${spanWords(steps, first, last).local} chosen`
      : place === null
        ? `whole range · a point each ${stepWords(steps.stepMs / 60_000)} · drag to zoom in`
        : "";
  return (
    <div className={classes.readout} data-testid="readout">
      <span className={classes.time}>{local}</span>
      <span className={classes.utc}>{utc}</span>
      <span className={classes.hint}>{hint}</span>
    </div>
  );
}
