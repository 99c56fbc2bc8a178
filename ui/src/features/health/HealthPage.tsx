import { Button } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { useAllowed } from "../../api/access";
import { toErrorReport } from "../../api/command";
import { useConnectionProfile } from "../../api/connections";
import {
  useFillWithSampleTraffic,
  useHealth,
  useHealthOverview,
  useRemoveSampleTraffic,
} from "../../api/health";
import type { HealthOverviewRow } from "../../bindings";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorState } from "../../ui/ErrorState";
import { counted } from "../../ui/figures";
import { GuardedButton } from "../../ui/GuardedButton";
import { IconActivity, IconAlertTriangle, IconFilterOff } from "../../ui/icons";
import { notifyFailure } from "../../ui/notify";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import page from "../../ui/page.module.css";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { StaleNotice } from "../../ui/StaleNotice";
import { AlarmList } from "./AlarmList";
import { HealthCards } from "./HealthCards";
import { HealthFilter } from "./HealthFilter";
import classes from "./HealthPage.module.css";
import { HealthTable } from "./HealthTable";
import { type HealthSearch, type RangeSearch, rangeOf, readHealthSearch } from "./healthSearch";
import { healthSummary } from "./healthState";
import { OverviewTable } from "./OverviewTable";
import { RangeChips } from "./RangeChips";

/** How the calls of all extensions go: in a range of time, or since they are counted. */
export function HealthPage() {
  const address = useSearch({ from: "/health" });
  // The router leaves in what the route's own reading drops.
  const search = useMemo(() => readHealthSearch({ ...address }), [address]);
  const own = search.from !== undefined && search.until !== undefined;
  return search.range === "all" && !own ? <AllTime /> : <InRange search={search} />;
}

type PageProps = {
  search: HealthSearch;
  read: { data?: unknown; error: unknown; dataUpdatedAt: number; refetch: () => unknown };
  summary: string | undefined;
  isEmpty: boolean;
  children: React.ReactNode;
};

/** What both have: the ranges, and a word for nothing, waiting and failure. */
function Page({ search, read, summary, isEmpty, children }: PageProps) {
  const { data, error, dataUpdatedAt } = read;
  const refetch = () => void read.refetch();
  const navigate = useNavigate({ from: "/health" });
  const { range = "24h", from, until, ...filter } = search;
  const own = from !== undefined && until !== undefined ? { from, until } : null;
  return (
    <div className={page.filling}>
      <PageHeader title="Health" summary={summary} />
      <AlarmList />
      <div className={classes.ranges}>
        <RangeChips
          chosen={own === null ? range : null}
          own={own}
          onChoose={(chosen) =>
            void navigate({ search: { ...filter, ...(chosen !== "24h" && { range: chosen }) } })
          }
          onAll={() => void navigate({ search: { range: "all" } })}
          onOwn={(ends) => void navigate({ search: { ...filter, ...ends } })}
        />
      </div>
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
    </div>
  );
}

function AllTime() {
  const read = useHealth();
  const reports = read.data ?? [];
  return (
    <Page
      search={{ range: "all" }}
      read={read}
      isEmpty={reports.length === 0}
      summary={reports.length > 0 ? healthSummary(reports) : undefined}
    >
      <div className={classes.list} style={{ minHeight: leastHeight(reports.length) }}>
        <HealthTable reports={reports} />
      </div>
    </Page>
  );
}

/** A short list is as high as it is, a long one is never less than a few rows. */
function leastHeight(rowCount: number): number {
  return Math.min(320, 36 + Math.max(1, rowCount) * 36);
}

const noRows: readonly HealthOverviewRow[] = [];

function InRange({ search }: { search: HealthSearch }) {
  const { range, from, until } = search;
  const ofRange = useMemo<RangeSearch>(
    () => ({
      ...(range !== undefined && range !== "all" && { range }),
      ...(from !== undefined && until !== undefined && { from, until }),
    }),
    [range, from, until],
  );
  const read = useHealthOverview(useMemo(() => rangeOf(ofRange), [ofRange]));
  const counters = useHealth().data;
  const overview = read.data;
  const rows = overview?.rows ?? noRows;
  // What is elsewhere is real: nothing is made up for it.
  const isEmbedded = useConnectionProfile().database.kind === "embedded";
  const isUnused =
    rows.every((row) => row.state === "no_data") && (counters?.every((report) => !report.has_data) ?? false);
  const summary = useMemo(() => healthSummary(rows.map(({ severity }) => ({ state: severity }))), [rows]);
  const shown = useMemo(() => filtered(rows, search), [rows, search]);
  const navigate = useNavigate({ from: "/health" });
  return (
    <Page search={search} read={read} isEmpty={rows.length === 0} summary={summary || undefined}>
      {overview?.is_sample && <SampleNotice />}
      {isUnused && isEmbedded && <SampleOffer />}
      {overview && <HealthCards overview={overview} />}
      {overview && (
        <>
          <HealthFilter
            rows={rows}
            search={search}
            onChange={(change) => {
              const next = readHealthSearch({ ...search, ...change });
              // Back leads to another filter, not to the letters of a word.
              void navigate({ search: next, replace: "text" in change });
            }}
          />
          <div className={classes.list} style={{ minHeight: leastHeight(shown.length) }}>
            {shown.length === 0 ? (
              <EmptyState
                icon={IconFilterOff}
                title="No extension matches this filter"
                action={
                  <Button size="xs" variant="default" onClick={() => void navigate({ search: ofRange })}>
                    Clear filter
                  </Button>
                }
              >
                {`None of ${counted(rows.length, "extension")} is in this state with that in its id.`}
              </EmptyState>
            ) : (
              <OverviewTable rows={shown} stepMinutes={overview.step_minutes} search={ofRange} />
            )}
          </div>
        </>
      )}
    </Page>
  );
}

function filtered(rows: readonly HealthOverviewRow[], { state, text }: HealthSearch) {
  if (state === undefined && text === undefined) return rows;
  const sought = text?.toLowerCase() ?? "";
  return rows.filter(
    (row) =>
      (state === undefined || row.severity === state) && row.extension_id.toLowerCase().includes(sought),
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
  return (
    <div className={classes.sample} data-quiet role="status">
      <IconActivity size={15} aria-hidden />
      <span>No router has recorded a call yet. Made-up calls of a week show what this page can tell.</span>
      <GuardedButton
        forbidden={editing}
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
      </GuardedButton>
    </div>
  );
}
