import { Button } from "@mantine/core";
import { useAuditEntries } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorState } from "../../ui/ErrorState";
import { IconHistory } from "../../ui/icons";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { StaleNotice } from "../../ui/StaleNotice";
import classes from "./AuditPage.module.css";
import { AuditTimeline } from "./AuditTimeline";
import { SealFault, SealState } from "./SealState";

export function AuditPage() {
  const audit = useAuditEntries();
  const { data: entries, error, dataUpdatedAt } = audit;
  const refetch = () => void audit.refetch();

  return (
    <>
      <PageHeader title="Audit" summary="Every change, newest first">
        <SealState />
      </PageHeader>
      <SealFault />
      {entries && error && (
        <StaleNotice error={toErrorReport(error)} shownSince={dataUpdatedAt} onRetry={refetch} />
      )}
      {entries && entries.length > 0 ? (
        <>
          <AuditTimeline entries={entries} />
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
              <span>The log begins here</span>
            )}
          </div>
        </>
      ) : (
        <Panel>
          {entries ? (
            <EmptyState icon={IconHistory} title="No changes yet">
              Switch an extension on or off, and who did it and when is written here.
            </EmptyState>
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
