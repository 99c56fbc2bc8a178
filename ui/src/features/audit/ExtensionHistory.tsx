import { Button } from "@mantine/core";
import { useMemo } from "react";
import { everyEntry, useAuditEntries } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorState } from "../../ui/ErrorState";
import { IconHistory } from "../../ui/icons";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { AuditTimeline } from "./AuditTimeline";

/** All that happened to one extension, newest first, with the way back to each version. */
export function ExtensionHistory({ id }: { id: string }) {
  const filter = useMemo(() => ({ ...everyEntry, extension_id: id }), [id]);
  const history = useAuditEntries(filter);
  if (history.data === undefined)
    return history.error ? (
      <ErrorState
        tried={`The history of ${id} could not be read`}
        error={toErrorReport(history.error)}
        onRetry={() => void history.refetch()}
      />
    ) : (
      <SkeletonRows label={`Reading the history of ${id}`} />
    );
  if (history.data.length === 0)
    return (
      <EmptyState icon={IconHistory} title="Not changed yet">
        It is as it was when this registry began.
      </EmptyState>
    );
  return (
    <>
      <AuditTimeline entries={history.data} />
      {history.hasNextPage && (
        <Button size="xs" mt="sm" variant="default" onClick={() => void history.fetchNextPage()}>
          Load older
        </Button>
      )}
    </>
  );
}
