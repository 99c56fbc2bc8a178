import { Button } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useAllowed } from "../../api/access";
import { toErrorReport } from "../../api/command";
import {
  useFillWithSampleTraffic,
  useHealth,
  useHealthOverview,
  useRemoveSampleTraffic,
} from "../../api/health";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorState } from "../../ui/ErrorState";
import { GuardedButton } from "../../ui/GuardedButton";
import { IconActivity, IconAlertTriangle } from "../../ui/icons";
import { notifyFailure } from "../../ui/notify";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { StaleNotice } from "../../ui/StaleNotice";
import { ToggleChip } from "../../ui/ToggleChip";
import classes from "./HealthPage.module.css";
import { HealthTable } from "./HealthTable";
import { type HealthRangeName, healthRanges } from "./healthSearch";
import { healthSummary } from "./healthState";
import { OverviewTable } from "./OverviewTable";

/** How the calls of all extensions go: in a range of time, or since they are counted. */
export function HealthPage() {
  const { range = "24h" } = useSearch({ from: "/health" });
  return range === "all" ? <AllTime /> : <InRange key={range} range={range} />;
}

function Ranges({ chosen }: { chosen: HealthRangeName }) {
  const navigate = useNavigate();
  const names: [HealthRangeName, string][] = [
    ...Object.entries(healthRanges).map(([name, { words }]) => [name, words] as [HealthRangeName, string]),
    ["all", "All time"],
  ];
  return (
    <fieldset className={classes.ranges} aria-label="Range">
      {names.map(([name, words]) => (
        <ToggleChip
          key={name}
          on={name === chosen}
          onToggle={() => void navigate({ to: "/health", search: name === "24h" ? {} : { range: name } })}
        >
          {words}
        </ToggleChip>
      ))}
    </fieldset>
  );
}

type PageProps = {
  range: HealthRangeName;
  read: { data?: unknown; error: unknown; dataUpdatedAt: number; refetch: () => unknown };
  summary: string | undefined;
  isEmpty: boolean;
  children: React.ReactNode;
};

/** What both have: the ranges, and a word for nothing, waiting and failure. */
function Page({ range, read, summary, isEmpty, children }: PageProps) {
  const { data, error, dataUpdatedAt } = read;
  const refetch = () => void read.refetch();
  return (
    <>
      <PageHeader title="Health" summary={summary} />
      <Ranges chosen={range} />
      {data !== undefined && error !== null && (
        <StaleNotice error={toErrorReport(error)} shownSince={dataUpdatedAt} onRetry={refetch} />
      )}
      {data !== undefined ? (
        isEmpty ? (
          <Panel>
            <EmptyState icon={IconActivity} title="Nothing to report on yet">
              Each extension has a line here as soon as there is one in this database.
            </EmptyState>
          </Panel>
        ) : (
          children
        )
      ) : (
        <Panel>
          {error !== null ? (
            <ErrorState
              tried="The health figures could not be read"
              error={toErrorReport(error)}
              onRetry={refetch}
            />
          ) : (
            <SkeletonRows label="Reading the health figures" />
          )}
        </Panel>
      )}
    </>
  );
}

function AllTime() {
  const read = useHealth();
  const reports = read.data ?? [];
  return (
    <Page
      range="all"
      read={read}
      isEmpty={reports.length === 0}
      summary={reports.length > 0 ? healthSummary(reports) : undefined}
    >
      <Panel>
        <HealthTable reports={reports} />
      </Panel>
    </Page>
  );
}

function InRange({ range }: { range: Exclude<HealthRangeName, "all"> }) {
  const read = useHealthOverview(healthRanges[range].minutes);
  const counters = useHealth().data;
  const overview = read.data;
  const rows = overview?.rows ?? [];
  const isUnused =
    rows.every((row) => row.state === "no_data") && (counters?.every((report) => !report.has_data) ?? false);
  return (
    <Page
      range={range}
      read={read}
      isEmpty={rows.length === 0}
      summary={rows.length > 0 ? healthSummary(rows) : undefined}
    >
      {overview?.is_sample && <SampleNotice />}
      {isUnused && <SampleOffer />}
      {overview && (
        <Panel>
          <OverviewTable overview={overview} />
        </Panel>
      )}
    </Page>
  );
}

function SampleNotice() {
  const remove = useRemoveSampleTraffic();
  const { editing } = useAllowed();
  return (
    <div className={classes.sample} role="status">
      <IconAlertTriangle size={15} aria-hidden />
      <span>These calls are made up, to have something to look at.</span>
      <GuardedButton
        forbidden={editing}
        size="compact-xs"
        variant="default"
        loading={remove.isPending}
        onClick={() =>
          remove.mutate(undefined, {
            onError: (thrown) => notifyFailure("Could not remove the sample traffic", toErrorReport(thrown)),
          })
        }
      >
        Remove them
      </GuardedButton>
    </div>
  );
}

function SampleOffer() {
  const fill = useFillWithSampleTraffic();
  const { editing } = useAllowed();
  if (editing !== null) return null;
  return (
    <div className={classes.sample} data-quiet role="status">
      <IconActivity size={15} aria-hidden />
      <span>No router has recorded a call yet. Made-up calls of a week show what this page can tell.</span>
      <Button
        size="compact-xs"
        variant="default"
        loading={fill.isPending}
        onClick={() =>
          fill.mutate(undefined, {
            onError: (thrown) => notifyFailure("Could not fill in sample traffic", toErrorReport(thrown)),
          })
        }
      >
        Show sample traffic
      </Button>
    </div>
  );
}
