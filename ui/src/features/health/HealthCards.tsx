import type { ReactNode } from "react";
import type { HealthOverview } from "../../bindings";
import { counted, decimal, groupedCount, measuredDuration, scoreText } from "../../ui/figures";
import classes from "./HealthCards.module.css";

/** All extensions together: what they were asked, how well and how fast they answered, and how many fail. */
export function HealthCards({ overview }: { overview: HealthOverview }) {
  const { total, earlier, later, rows } = overview;
  const calls = ({ success_count, failure_count }: typeof total) => success_count + failure_count;
  return (
    <dl className={classes.cards} aria-label="All extensions together">
      <Card
        name="Requests"
        value={groupedCount(calls(total))}
        unit={calls(total) === 1 ? "call" : "calls"}
        trend={<Trend change={relative(calls(earlier), calls(later))} words={percent} better={null} />}
      >
        {total.failure_count === 0 ? "none failed" : `${groupedCount(total.failure_count)} failed`}
      </Card>
      <Card
        name="Score"
        value={total.score_percent === null ? null : scoreText(total.score_percent)}
        trend={
          <Trend change={difference(earlier.score_percent, later.score_percent)} words={points} better="up" />
        }
      >
        of all calls answered
      </Card>
      <Card
        name="Latency p95"
        value={total.p95_ms === null ? null : measuredDuration(total.p95_ms)}
        trend={<Trend change={relative(earlier.p95_ms, later.p95_ms)} words={percent} better="down" />}
      >
        {total.p50_ms === null || total.p99_ms === null
          ? "over all calls"
          : `p50 ${measuredDuration(total.p50_ms)} · p99 ${measuredDuration(total.p99_ms)}`}
      </Card>
      <Card
        name="Failing"
        value={groupedCount(total.failing_count)}
        unit={`of ${counted(rows.length, "extension")}`}
        isBad={total.failing_count > 0}
        trend={
          <Trend
            change={later.failing_count - earlier.failing_count}
            words={(count) => groupedCount(count)}
            better="down"
            least={1}
          />
        }
      >
        below their limit or 90 %
      </Card>
    </dl>
  );
}

type CardProps = {
  name: string;
  /** Null where there is nothing to tell of. */
  value: string | null;
  unit?: string;
  isBad?: boolean;
  trend: ReactNode;
  children: ReactNode;
};

function Card({ name, value, unit, isBad, trend, children }: CardProps) {
  return (
    <div className={classes.card} data-bad={isBad || undefined}>
      <dt className={classes.name}>{name}</dt>
      <dd className={classes.line}>
        {value === null ? (
          <span className={classes.none}>no data</span>
        ) : (
          <>
            <span className={classes.value}>{value}</span>
            {unit !== undefined && <span className={classes.unit}>{unit}</span>}
          </>
        )}
        {value !== null && trend}
      </dd>
      <dd className={classes.more}>{children}</dd>
    </div>
  );
}

type TrendProps = {
  /** Of the later half of the range against the earlier one; null where one of them says nothing. */
  change: number | null;
  words: (amount: number) => string;
  /** Which direction is good news; neither may be. */
  better: "up" | "down" | null;
  /** What is less than that is no change. */
  least?: number;
};

/** The later half of a range against the earlier one; what is hardly a change is none. */
export function Trend({ change, words, better, least = 0.05 }: TrendProps) {
  if (change === null) return <span className={classes.steady}>–</span>;
  if (Math.abs(change) < least) return <span className={classes.steady}>steady</span>;
  const direction = change > 0 ? "up" : "down";
  const news = better === null ? undefined : better === direction ? "better" : "worse";
  const amount = words(Math.abs(change));
  return (
    <span
      className={classes.trend}
      data-trend={news}
      title={`${amount.replace(/ pp$/, " percentage points")} ${direction === "up" ? "more" : "less"} in the later half of the range${news ? `: ${news}` : ""}`}
    >
      {direction === "up" ? "▲" : "▼"} {amount}
    </span>
  );
}

/** In percent of what was before. */
function relative(earlier: number | null, later: number | null): number | null {
  if (earlier === null || later === null || earlier === 0) return null;
  return ((later - earlier) / earlier) * 100;
}

function difference(earlier: number | null, later: number | null): number | null {
  return earlier === null || later === null ? null : later - earlier;
}

function percent(amount: number): string {
  return `${amount < 10 ? decimal(amount, 1) : groupedCount(Math.round(amount))} %`;
}

function points(amount: number): string {
  return `${decimal(amount, 1)} pp`;
}
