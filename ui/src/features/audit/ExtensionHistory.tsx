import { Button } from "@mantine/core";
import { useMemo, useState } from "react";
import { useExtensionHistory } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorState } from "../../ui/ErrorState";
import { IconHistory } from "../../ui/icons";
import { Panel } from "../../ui/Panel";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { useNow } from "../../ui/useNow";
import { AuditTimelineEntry } from "./AuditTimelineEntry";
import classes from "./ExtensionHistory.module.css";
import { TimelineActionsContext } from "./timelineActions";
import { timelineRows } from "./timelineRows";
import { useTimelineDialogs } from "./useTimelineDialogs";

const noGroups: ReadonlySet<string> = new Set();

/** All that happened to one extension, newest first, with the way back to each version. */
export function ExtensionHistory({ id }: { id: string }) {
  const history = useExtensionHistory(id);
  const { data: entries, hasNextPage, isFetchingNextPage } = history;
  const { actions, dialog } = useTimelineDialogs(null);
  const [openEntries, setOpenEntries] = useState<ReadonlySet<number>>(new Set());
  const day = useNow().toDateString();
  const rows = useMemo(
    () =>
      timelineRows(entries ?? [], {
        now: new Date(day),
        openGroups: noGroups,
        collapse: false,
        continues: false,
      }),
    [entries, day],
  );

  function toggle(revision: number) {
    const next = new Set(openEntries);
    if (!next.delete(revision)) next.add(revision);
    setOpenEntries(next);
  }

  if (entries === undefined)
    return history.error ? (
      <ErrorState
        tried={`The history of ${id} could not be read`}
        error={toErrorReport(history.error)}
        onRetry={() => void history.refetch()}
      />
    ) : (
      <SkeletonRows label={`Reading the history of ${id}`} />
    );
  if (entries.length === 0)
    return (
      <EmptyState icon={IconHistory} title="Not changed yet">
        It is as it was when this registry began.
      </EmptyState>
    );
  return (
    <TimelineActionsContext value={actions}>
      <Panel>
        {rows.map((row) =>
          row.kind === "entry" ? (
            <div key={row.key} data-first={row.first || undefined} data-last={row.last || undefined}>
              <AuditTimelineEntry
                entry={row.entry}
                open={openEntries.has(row.entry.revision)}
                onToggle={() => toggle(row.entry.revision)}
              />
            </div>
          ) : (
            <h2 key={row.key} className={classes.day}>
              {row.day}
            </h2>
          ),
        )}
      </Panel>
      {hasNextPage && (
        <Button
          size="xs"
          mt="sm"
          variant="default"
          loading={isFetchingNextPage}
          onClick={() => void history.fetchNextPage()}
        >
          Load older
        </Button>
      )}
      {dialog}
    </TimelineActionsContext>
  );
}
