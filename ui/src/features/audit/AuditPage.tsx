import { Button } from "@mantine/core";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useAuditActivity, useAuditEntries } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import type { AuditEntry, AuditFilter } from "../../bindings";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorState } from "../../ui/ErrorState";
import { IconFilterOff, IconHistory } from "../../ui/icons";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { StaleNotice } from "../../ui/StaleNotice";
import { localDate } from "../../ui/time";
import { useNow } from "../../ui/useNow";
import { ActivityHistogram } from "./ActivityHistogram";
import { AuditFilters } from "./AuditFilters";
import classes from "./AuditPage.module.css";
import { AuditTimeline } from "./AuditTimeline";
import { auditFilter, changedSearch, isFiltered, readAuditSearch, type SearchChange } from "./auditSearch";
import { ExportMenu } from "./ExportMenu";
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
  const audit = useAuditEntries(filter);
  const { data: entries, error, dataUpdatedAt } = audit;
  const actors = useActors(entries ?? noEntries);
  const refetch = () => void audit.refetch();
  const clear = () => void navigate({ search: {} });

  function change(part: SearchChange) {
    // Back leads to another filter, not to the letters of a word.
    void navigate({ search: changedSearch(search, part), replace: "text" in part });
  }

  return (
    <>
      <PageHeader title="Audit" summary="Every change, newest first">
        <SealState />
      </PageHeader>
      <SealFault />
      <div className={classes.filters}>
        <AuditFilters search={search} knownActors={actors} onChange={change}>
          <ExportMenu filter={filter} filtered={isFiltered(search)} />
        </AuditFilters>
        <ShownLine search={search} onChange={change} onClear={clear} />
      </div>
      {entries && <Activity filter={filter} onZoom={(range) => change({ range: undefined, ...range })} />}
      {entries && error && (
        <StaleNotice error={toErrorReport(error)} shownSince={dataUpdatedAt} onRetry={refetch} />
      )}
      {entries && entries.length > 0 ? (
        <>
          <AuditTimeline entries={entries} onNarrow={change} />
          <div className={classes.end}>
            {audit.hasNextPage ? (
              <Button
                size="xs"
                variant="default"
                disabled={audit.isFetchingNextPage}
                onClick={() => void audit.fetchNextPage()}
              >
                {audit.isFetchingNextPage ? "Loading…" : "Load older"}
              </Button>
            ) : (
              <span>{isFiltered(search) ? "Nothing older matches" : "The log begins here"}</span>
            )}
          </div>
        </>
      ) : (
        <Panel>
          {entries ? (
            isFiltered(search) ? (
              <EmptyState
                icon={IconFilterOff}
                title="No change matches this filter"
                action={
                  <Button size="xs" variant="default" onClick={clear}>
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
            )
          ) : error ? (
            <ErrorState
              tried="The audit log could not be read"
              error={toErrorReport(error)}
              onRetry={refetch}
            />
          ) : (
            <SkeletonRows label="Reading the audit log" />
          )}
        </Panel>
      )}
    </>
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
