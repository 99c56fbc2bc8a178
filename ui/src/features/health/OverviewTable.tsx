import type { HealthOverview, HealthOverviewRow } from "../../bindings";
import { ExtensionTypeBadge } from "../../ui/ExtensionTypeBadge";
import { exactDuration, groupedCount, measuredDuration, scoreText } from "../../ui/figures";
import { Identifier } from "../../ui/Identifier";
import { Timestamp } from "../../ui/Timestamp";
import table from "../../ui/table.module.css";
import { CallBars } from "./CallBars";
import classes from "./HealthTable.module.css";
import { HealthWord } from "./HealthWord";

/** How the calls of each extension went in a range, what is wrong first. */
export function OverviewTable({ overview }: { overview: HealthOverview }) {
  const step = stepWords(overview.step_minutes);
  return (
    <table className={`${table.table} ${classes.table} ${classes.overview}`} aria-label="Health">
      <thead>
        <tr>
          <th scope="col" className={classes.state}>
            State
          </th>
          <th scope="col">Id</th>
          <th scope="col" className={classes.type}>
            Type
          </th>
          <th scope="col" className={`${classes.number} ${table.figure}`}>
            Score
          </th>
          <th scope="col" className={`${classes.number} ${table.figure}`}>
            Trend
          </th>
          <th scope="col" className={`${classes.bars} ${classes.afterFigures}`}>
            Calls each {step}
          </th>
          <th scope="col" className={`${classes.number} ${table.figure}`}>
            Calls
          </th>
          <th scope="col" className={`${classes.number} ${table.figure}`}>
            Failed
          </th>
          <th scope="col" className={`${classes.number} ${table.figure}`}>
            p95
          </th>
          <th scope="col" className={`${classes.time} ${classes.afterFigures}`}>
            Last failure
          </th>
        </tr>
      </thead>
      <tbody>
        {overview.rows.map((row) => (
          <OverviewRow key={row.extension_id} row={row} step={step} />
        ))}
      </tbody>
    </table>
  );
}

function OverviewRow({ row, step }: { row: HealthOverviewRow; step: string }) {
  const none = <span className={classes.none}>–</span>;
  const calls = row.success_count + row.failure_count;
  return (
    <tr data-extension-id={row.extension_id}>
      <td>
        <HealthWord state={row.state} />
      </td>
      <td className={table.name}>
        <span className={classes.name}>
          <Identifier label="id" value={row.extension_id} />
          {!row.enabled && <span className={classes.off}>off</span>}
        </span>
      </td>
      <td>
        <ExtensionTypeBadge type={row.extension_type} />
      </td>
      <td className={table.figure} data-state={row.state}>
        {row.score_percent === null ? none : scoreText(row.score_percent)}
      </td>
      <td className={table.figure}>
        <Trend points={row.trend_percent_points} />
      </td>
      <td className={classes.afterFigures}>
        <CallBars successes={row.success_counts} failures={row.failure_counts} step={step} />
      </td>
      <td className={table.figure}>{calls === 0 ? none : groupedCount(calls)}</td>
      <td className={table.figure}>{row.failure_count === 0 ? none : groupedCount(row.failure_count)}</td>
      <td className={table.figure}>{row.p95_ms === null ? none : measuredDuration(row.p95_ms)}</td>
      <td className={classes.afterFigures}>
        {row.last_failure === null ? none : <Timestamp value={row.last_failure} />}
      </td>
    </tr>
  );
}

/** The later half of the range against the earlier one; what is hardly a change is none. */
function Trend({ points }: { points: number | null }) {
  if (points === null) return <span className={classes.none}>–</span>;
  if (Math.abs(points) < 0.05) return <span className={classes.none}>steady</span>;
  const isBetter = points > 0;
  const amount = Math.abs(points).toFixed(1);
  return (
    <span
      data-trend={isBetter ? "better" : "worse"}
      title={`${amount} percentage points ${isBetter ? "better" : "worse"} in the later half of the range`}
    >
      {isBetter ? "▲" : "▼"} {amount}
    </span>
  );
}

function stepWords(minutes: number): string {
  if (minutes === 1_440) return "day";
  if (minutes % 60 === 0) return minutes === 60 ? "hour" : `${minutes / 60} hours`;
  return minutes === 1 ? "minute" : exactDuration(minutes * 60_000);
}
