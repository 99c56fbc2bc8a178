import type { HealthReport } from "../../bindings";
import { ExtensionTypeBadge } from "../../ui/ExtensionTypeBadge";
import { groupedCount, measuredDuration, scoreText } from "../../ui/figures";
import { Identifier } from "../../ui/Identifier";
import { Timestamp } from "../../ui/Timestamp";
import table from "../../ui/table.module.css";
import classes from "./HealthTable.module.css";
import { HealthWord } from "./HealthWord";
import { worstFirst } from "./healthState";

export function HealthTable({ reports }: { reports: readonly HealthReport[] }) {
  return (
    <table className={`${table.table} ${classes.table}`} aria-label="Health">
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
            Successes
          </th>
          <th scope="col" className={`${classes.number} ${table.figure}`}>
            Failures
          </th>
          <th scope="col" className={`${classes.latency} ${table.figure}`}>
            Average latency
          </th>
          <th scope="col" className={`${classes.time} ${classes.afterFigures}`}>
            Last success
          </th>
          <th scope="col" className={classes.time}>
            Last failure
          </th>
        </tr>
      </thead>
      <tbody>
        {worstFirst(reports).map((report) => (
          <HealthTableRow key={report.extension_id} report={report} />
        ))}
      </tbody>
    </table>
  );
}

function HealthTableRow({ report }: { report: HealthReport }) {
  const { state } = report;
  return (
    <tr data-extension-id={report.extension_id}>
      <td>
        <HealthWord state={state} />
      </td>
      <td className={table.name}>
        <span className={classes.name}>
          <Identifier label="id" value={report.extension_id} />
          {!report.enabled && <span className={classes.off}>off</span>}
        </span>
      </td>
      <td>
        <ExtensionTypeBadge type={report.extension_type} />
      </td>
      <td className={table.figure} data-state={state}>
        {report.has_data ? (
          scoreText(report.health_score_percent)
        ) : (
          <span className={classes.none}>no data</span>
        )}
      </td>
      <td className={table.figure}>
        <Count value={report.success_count} />
      </td>
      <td className={table.figure}>
        <Count value={report.failure_count} />
      </td>
      <td className={table.figure}>
        {report.avg_latency_ms === null ? (
          <span className={classes.none}>no data</span>
        ) : (
          measuredDuration(report.avg_latency_ms)
        )}
      </td>
      <td className={classes.afterFigures}>
        <Timestamp value={report.last_success} />
      </td>
      <td>
        <Timestamp value={report.last_failure} />
      </td>
    </tr>
  );
}

function Count({ value }: { value: number }) {
  return value === 0 ? <span className={classes.none}>0</span> : groupedCount(value);
}
