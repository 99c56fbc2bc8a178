import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import type { HealthReport } from "../../bindings";
import { ExtensionTypeBadge } from "../../ui/ExtensionTypeBadge";
import { groupedCount, measuredDuration, scoreText } from "../../ui/figures";
import { Timestamp } from "../../ui/Timestamp";
import { type VirtualColumn, VirtualTable } from "../../ui/VirtualTable";
import classes from "./HealthTable.module.css";
import { HealthWord } from "./HealthWord";
import { worstFirst } from "./healthState";

/** The counters of each extension, over all time. */
export function HealthTable({ reports }: { reports: readonly HealthReport[] }) {
  const navigate = useNavigate();
  const rows = useMemo(() => worstFirst(reports), [reports]);
  return (
    <VirtualTable
      label="Health"
      columns={columns}
      rows={rows}
      rowKey={idOf}
      attributesOf={attributesOf}
      minWidth={900}
      onOpen={(report) => void navigate({ to: "/health/$id", params: { id: report.extension_id } })}
    />
  );
}

function idOf({ extension_id }: HealthReport): string {
  return extension_id;
}

function attributesOf({ extension_id }: HealthReport) {
  return { "data-extension-id": extension_id };
}

const columns: readonly VirtualColumn<HealthReport>[] = [
  { key: "state", name: "State", width: 104, cell: ({ state }) => <HealthWord state={state} /> },
  {
    key: "id",
    name: "Id",
    kind: "name",
    cell: ({ extension_id, enabled }) => (
      <span className={classes.name}>
        <Link to="/health/$id" params={{ id: extension_id }} className={classes.id}>
          {extension_id}
        </Link>
        {!enabled && <span className={classes.off}>off</span>}
      </span>
    ),
  },
  {
    key: "type",
    name: "Type",
    width: 108,
    cell: ({ extension_type }) => <ExtensionTypeBadge type={extension_type} />,
  },
  {
    key: "score",
    name: "Score",
    width: 88,
    kind: "figure",
    cell: ({ has_data, health_score_percent, state }) =>
      has_data ? (
        <span className={classes.score} data-state={state}>
          {scoreText(health_score_percent)}
        </span>
      ) : (
        <span className={classes.none}>no data</span>
      ),
  },
  {
    key: "successes",
    name: "Successes",
    width: 96,
    kind: "figure",
    cell: ({ success_count }) => <Count value={success_count} />,
  },
  {
    key: "failures",
    name: "Failures",
    width: 88,
    kind: "figure",
    cell: ({ failure_count }) => <Count value={failure_count} />,
  },
  {
    key: "latency",
    name: "Average latency",
    width: 130,
    kind: "figure",
    cell: ({ avg_latency_ms }) =>
      avg_latency_ms === null ? (
        <span className={classes.none}>no data</span>
      ) : (
        measuredDuration(avg_latency_ms)
      ),
  },
  {
    key: "last_success",
    name: "Last success",
    width: 122,
    cell: ({ last_success }) => <Timestamp value={last_success} />,
  },
  {
    key: "last_failure",
    name: "Last failure",
    width: 112,
    cell: ({ last_failure }) => <Timestamp value={last_failure} />,
  },
];

function Count({ value }: { value: number }) {
  return value === 0 ? <span className={classes.none}>0</span> : groupedCount(value);
}
