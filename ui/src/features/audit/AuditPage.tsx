import { Button } from "@mantine/core";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useMemo } from "react";
import { useAuditActivity, useAuditActors, useAuditTimeline } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import type { AuditFilter } from "../../bindings";
import { CopyButton } from "../../ui/CopyButton";
import { EmptyState } from "../../ui/EmptyState";
import { failureDetails } from "../../ui/failure";
import { IconChartBar, IconClockEdit, IconFilterOff, IconHistory } from "../../ui/icons";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import page from "../../ui/page.module.css";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { StaleNotice } from "../../ui/StaleNotice";
import { localDate } from "../../ui/time";
import { useNow } from "../../ui/useNow";
import { ActivityHistogram } from "./ActivityHistogram";
import { AuditFailure } from "./AuditFailure";
import { AuditFilters } from "./AuditFilters";
import classes from "./AuditPage.module.css";
import type { TimeRange } from "./activityBrush";
import { auditFilter, changedSearch, isFiltered, readAuditSearch, type SearchChange } from "./auditSearch";
import { ExportMenu } from "./ExportMenu";
import { LiveTimeline } from "./LiveTimeline";
import { SealFault, SealState } from "./SealState";
import { ShownLine } from "./ShownLine";

const route = getRouteApi("/audit");
export function AuditPage() {
  // The router leaves in what the route's own reading drops.
  const address = route.useSearch();
  const search = useMemo(() => readAuditSearch({ ...address }), [address]);
  const navigate = useNavigate({ from: "/audit" });
  // "Today" is another range tomorrow; "the last hour" begins where it was asked for.
  const day = localDate(useNow());
  // biome-ignore lint/correctness/useExhaustiveDependencies: the day is what it waits for
  const filter = useMemo(() => auditFilter(search, new Date()), [search, day]);
  const at = search.at ?? null;
  const timeline = useAuditTimeline(filter, at);
  const { data, error, dataUpdatedAt } = timeline;
  const actors = useAuditActors();
  const refetch = () => void timeline.refetch();
  const clear = () => void navigate({ search: {} });

  function change(part: SearchChange) {
    // Back leads to another filter, not to the letters of a word.
    void navigate({ search: changedSearch(search, part), replace: "text" in part });
  }

  return (
    <div className={`${page.filling} ${classes.page}`}>
      <PageHeader title="Audit" summary="Every change, newest first">
        <SealState />
        <Button
          size="compact-xs"
          variant="default"
          leftSection={<IconClockEdit size={13} aria-hidden />}
          onClick={() => void navigate({ to: "/as-of" })}
        >
          Registry as of…
        </Button>
      </PageHeader>
      <SealFault />
      <div className={classes.filters}>
        <AuditFilters search={search} knownActors={actors.data ?? []} onChange={change}>
          <ExportMenu filter={filter} filtered={isFiltered(search)} />
        </AuditFilters>
        <ShownLine search={search} onChange={change} onClear={clear} />
      </div>
      {data && (
        <Activity filter={filter} onZoom={(range) => change({ range: undefined, at: undefined, ...range })} />
      )}
      {data && error && (
        <StaleNotice error={toErrorReport(error)} shownSince={dataUpdatedAt} onRetry={refetch} />
      )}
      {data ? (
        <LiveTimeline
          filter={filter}
          timeline={timeline}
          at={at}
          group={search.group}
          onFilter={change}
          empty={<Empty isFiltered={isFiltered(search)} onClear={clear} />}
        />
      ) : (
        <Panel>
          {error ? (
            <AuditFailure tried="The audit log could not be read" thrown={error} onRetry={refetch} />
          ) : (
            <SkeletonRows label="Reading the audit log" count={10} />
          )}
        </Panel>
      )}
    </div>
  );
}

function Empty({ isFiltered, onClear }: { isFiltered: boolean; onClear: () => void }) {
  return (
    <Panel>
      {isFiltered ? (
        <EmptyState
          icon={IconFilterOff}
          title="No change matches this filter"
          action={
            <Button size="xs" variant="default" onClick={onClear}>
              Clear filter
            </Button>
          }
        >
          The search looks at ids, actors, reasons and at what changed.
        </EmptyState>
      ) : (
        <EmptyState
          icon={IconHistory}
          title="No changes yet"
          action={
            <Button size="xs" variant="default" component={Link} to="/extensions">
              Show the extensions
            </Button>
          }
        >
          Switch an extension on or off, and who did it and when is written here.
        </EmptyState>
      )}
    </Panel>
  );
}

type ActivityProps = { filter: AuditFilter; onZoom: (range: TimeRange) => void };

function Activity({ filter, onZoom }: ActivityProps) {
  const activity = useAuditActivity(filter);
  if (activity.data) return <ActivityHistogram activity={activity.data} asked={filter} onZoom={onZoom} />;
  if (activity.isPending) return <div className={classes.activityPlace} />;
  const error = toErrorReport(activity.error);
  return (
    <div className={classes.activityFailed} role="alert" data-testid="activity-failed">
      <IconChartBar size={18} stroke={1.5} aria-hidden />
      <span className={classes.activityWords}>
        How much happened when could not be counted: {error.message} {error.action}
      </span>
      <span className={classes.activityCode} data-testid="error-code">
        {error.code}
      </span>
      <CopyButton size="compact-xs" text={failureDetails(error)}>
        Copy details
      </CopyButton>
      <Button size="compact-xs" variant="default" onClick={() => void activity.refetch()}>
        Try again
      </Button>
    </div>
  );
}
