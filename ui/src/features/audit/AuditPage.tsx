import { Button } from "@mantine/core";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useAuditActivity, useAuditTimeline } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import type { AuditEntry, AuditFilter, ErrorReport } from "../../bindings";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorState } from "../../ui/ErrorState";
import { IconClockEdit, IconFilterOff, IconHistory, IconLock } from "../../ui/icons";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { StaleNotice } from "../../ui/StaleNotice";
import { localDate } from "../../ui/time";
import { useNow } from "../../ui/useNow";
import { ActivityHistogram } from "./ActivityHistogram";
import { AuditFilters } from "./AuditFilters";
import classes from "./AuditPage.module.css";
import { auditFilter, changedSearch, isFiltered, readAuditSearch, type SearchChange } from "./auditSearch";
import { ExportMenu } from "./ExportMenu";
import { LiveTimeline } from "./LiveTimeline";
import { SealFault, SealState } from "./SealState";
import { ShownLine } from "./ShownLine";

const route = getRouteApi("/audit");
const noEntries: AuditEntry[] = [];

export function AuditPage() {
  // The router leaves in what the route's own reading drops.
  const address = route.useSearch();
  const search = useMemo(() => readAuditSearch({ ...address }), [address]);
  const navigate = useNavigate({ from: "/audit" });
  // "Today" is another range tomorrow; "the last hour" begins where it was asked for.
  const day = localDate(useNow());
  // biome-ignore lint/correctness/useExhaustiveDependencies: the day is what it waits for
  const filter = useMemo(() => auditFilter(search, new Date()), [search, day]);
  const timeline = useAuditTimeline(filter);
  const { data, error, dataUpdatedAt } = timeline;
  const actors = useActors(data?.entries ?? noEntries);
  const refetch = () => void timeline.refetch();
  const clear = () => void navigate({ search: {} });

  function change(part: SearchChange) {
    // Back leads to another filter, not to the letters of a word.
    void navigate({ search: changedSearch(search, part), replace: "text" in part });
  }

  return (
    <div className={classes.page}>
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
        <AuditFilters search={search} knownActors={actors} onChange={change}>
          <ExportMenu filter={filter} filtered={isFiltered(search)} />
        </AuditFilters>
        <ShownLine search={search} onChange={change} onClear={clear} />
      </div>
      {data && <Activity filter={filter} onZoom={(range) => change({ range: undefined, ...range })} />}
      {data && error && (
        <StaleNotice error={toErrorReport(error)} shownSince={dataUpdatedAt} onRetry={refetch} />
      )}
      {data ? (
        <LiveTimeline
          filter={filter}
          timeline={timeline}
          group={search.group}
          onFilter={change}
          empty={<Empty isFiltered={isFiltered(search)} onClear={clear} />}
        />
      ) : (
        <Panel>
          {error ? (
            <Unreadable error={toErrorReport(error)} onRetry={refetch} />
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
        <EmptyState icon={IconHistory} title="No changes yet">
          Switch an extension on or off, and who did it and when is written here.
        </EmptyState>
      )}
    </Panel>
  );
}

function Unreadable({ error, onRetry }: { error: ErrorReport; onRetry: () => void }) {
  if (error.code !== "forbidden") {
    return <ErrorState tried="The audit log could not be read" error={error} onRetry={onRetry} />;
  }
  const role = error.facts?.kind === "required_role" ? error.facts.value : "registry_auditor";
  return (
    <div role="alert">
      <EmptyState
        icon={IconLock}
        title="Your login may not read the audit log"
        action={
          <Button size="xs" variant="default" onClick={onRetry}>
            Try again
          </Button>
        }
      >
        It needs the role {role}. Ask who manages the database's logins for it. {error.message}
      </EmptyState>
    </div>
  );
}

type ActivityProps = {
  filter: AuditFilter;
  onZoom: (range: { since: string; until: string }) => void;
};

/** A histogram that can't be read hides nothing: the timeline below it says all that it would. */
function Activity({ filter, onZoom }: ActivityProps) {
  const activity = useAuditActivity(filter);
  if (activity.data) return <ActivityHistogram activity={activity.data} onZoom={onZoom} />;
  return activity.isPending ? <div className={classes.activityPlace} /> : null;
}

/** Who made the changes in sight, to offer in the filter. */
function useActors(entries: readonly AuditEntry[]): string[] {
  const [known, setKnown] = useState<readonly string[]>([]);
  const added = useMemo(
    () => [...new Set(entries.map((entry) => entry.changed_by))].filter((name) => name !== null),
    [entries],
  );
  if (added.some((name) => !known.includes(name))) setKnown([...new Set([...known, ...added])]);
  return [...known].sort();
}
