import type { HealthSeries } from "../../../bindings";
import { groupedCount, measuredDuration, scoreText } from "../../../ui/figures";
import { IconAlertTriangle } from "../../../ui/icons";
import { StatusWord } from "../../../ui/StatusWord";
import { HealthWord } from "../HealthWord";
import classes from "./charts.module.css";

/** What the whole range comes to, of the first extension. */
export function SeriesFigures({ series }: { series: readonly HealthSeries[] }) {
  const [first] = series;
  if (!first) return null;
  const { total, state } = first;
  const isSample = series.some((each) => each.is_sample);
  const calls = total.success_count + total.failure_count;
  const duration = (value: number | null) => (value === null ? null : measuredDuration(value));
  const figures: [string, string | null][] = [
    ["Success rate", total.score_percent === null ? null : scoreText(total.score_percent)],
    ["Calls", groupedCount(calls)],
    ["Failed", groupedCount(total.failure_count)],
    ["p50", duration(total.p50_ms)],
    ["p95", duration(total.p95_ms)],
    ["p99", duration(total.p99_ms)],
    ["Longest", duration(total.max_ms)],
  ];
  return (
    <dl className={classes.figures} aria-label={`${first.extension_id} in the whole range`}>
      {isSample && (
        <div className={classes.made}>
          <dt>Source</dt>
          <dd>
            <StatusWord icon={IconAlertTriangle} tone="warn">
              made up
            </StatusWord>
          </dd>
        </div>
      )}
      <div>
        <dt>State</dt>
        <dd>
          <HealthWord state={state} />
        </dd>
      </div>
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value ?? <span className={classes.utc}>no data</span>}</dd>
        </div>
      ))}
    </dl>
  );
}
