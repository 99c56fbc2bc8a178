import { Link, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import type { HealthOverviewRow } from "../../bindings";
import { CallBars } from "../../ui/CallBars";
import { ExtensionTypeBadge } from "../../ui/ExtensionTypeBadge";
import { decimal, groupedCount, measuredDuration, scoreText } from "../../ui/figures";
import { Timestamp } from "../../ui/Timestamp";
import { useShortcuts } from "../../ui/useShortcuts";
import { type VirtualColumn, VirtualTable } from "../../ui/VirtualTable";
import { Trend } from "./HealthCards";
import classes from "./HealthTable.module.css";
import { HealthWord } from "./HealthWord";
import type { RangeSearch } from "./healthSearch";
import { stepWords } from "./stepWords";

type OverviewTableProps = {
  rows: readonly HealthOverviewRow[];
  stepMinutes: number;
  /** The range, which the page of an extension goes on with. */
  search: RangeSearch;
};

/** How the calls of each extension went in a range, what is wrong first. */
export function OverviewTable({ rows, stepMinutes, search }: OverviewTableProps) {
  const navigate = useNavigate();
  const columns = useMemo(() => overviewColumns(stepWords(stepMinutes), search), [stepMinutes, search]);
  useShortcuts({ j: () => moveFocus(1), k: () => moveFocus(-1) });
  return (
    <VirtualTable
      label="Health"
      columns={columns}
      rows={rows}
      rowKey={idOf}
      attributesOf={attributesOf}
      minWidth={960}
      onOpen={(row) => void navigate({ to: "/health/$id", params: { id: row.extension_id }, search })}
    />
  );
}

function idOf({ extension_id }: HealthOverviewRow): string {
  return extension_id;
}

function attributesOf({ extension_id, severity }: HealthOverviewRow) {
  return { "data-extension-id": extension_id, "data-severity": severity };
}

const none = <span className={classes.none}>–</span>;

function overviewColumns(step: string, search: RangeSearch): VirtualColumn<HealthOverviewRow>[] {
  return [
    {
      key: "state",
      name: "State",
      width: 102,
      cell: ({ severity }) => <HealthWord state={severity} />,
    },
    {
      key: "id",
      name: "Id",
      kind: "name",
      cell: ({ extension_id }) => (
        <Link to="/health/$id" params={{ id: extension_id }} search={search} className={classes.id}>
          {extension_id}
        </Link>
      ),
    },
    {
      key: "type",
      name: "Type",
      width: 100,
      cell: ({ extension_type }) => <ExtensionTypeBadge type={extension_type} />,
    },
    {
      key: "score",
      name: "Score",
      width: 78,
      kind: "figure",
      cell: ({ score_percent, severity }) =>
        score_percent === null ? (
          none
        ) : (
          <span className={classes.score} data-state={severity}>
            {scoreText(score_percent)}
          </span>
        ),
    },
    {
      key: "trend",
      name: "Trend",
      width: 84,
      kind: "figure",
      cell: ({ trend_percent_points }) => (
        <Trend change={trend_percent_points} words={(points) => `${decimal(points, 1)} pp`} better="up" />
      ),
    },
    {
      key: "calls_over_time",
      name: `Calls each ${step}`,
      width: 166,
      cell: (row) =>
        row.success_counts.length > 0 ? (
          <CallBars
            successes={row.success_counts}
            failures={row.failure_counts}
            step={step}
            width={124}
            height={22}
          />
        ) : (
          <Silence lastCall={row.last_call} />
        ),
    },
    {
      key: "calls",
      name: "Calls",
      width: 76,
      kind: "figure",
      cell: ({ success_count, failure_count }) => count(success_count + failure_count),
    },
    {
      key: "failed",
      name: "Failed",
      width: 66,
      kind: "figure",
      cell: ({ failure_count }) => count(failure_count),
    },
    {
      key: "p95",
      name: "p95",
      width: 78,
      kind: "figure",
      cell: ({ p95_ms }) => (p95_ms === null ? none : measuredDuration(p95_ms)),
    },
    {
      key: "last_failure",
      name: "Last failure",
      width: 110,
      cell: ({ last_failure }) => (last_failure === null ? none : <Timestamp value={last_failure} />),
    },
  ];
}

function count(calls: number) {
  return calls === 0 ? none : groupedCount(calls);
}

function Silence({ lastCall }: { lastCall: string | null }) {
  return (
    <span className={classes.none}>
      {lastCall === null ? (
        "never called"
      ) : (
        <>
          last call <Timestamp value={lastCall} />
        </>
      )}
    </span>
  );
}

/** To the next or the previous row, by its link. */
function moveFocus(step: 1 | -1): boolean {
  const row = document.activeElement?.closest<HTMLElement>("tr[data-extension-id]");
  const place = row ? Number(row.dataset.index) + step : 0;
  const link = document.querySelector<HTMLElement>(`tr[data-index="${place}"] a`);
  link?.focus({ preventScroll: true });
  link?.closest("tr")?.scrollIntoView({ block: "nearest" });
  return link !== null;
}
