import { Button } from "@mantine/core";
import { useEffect, useState } from "react";
import { reportTableShown } from "../../api/application";
import { toErrorReport } from "../../api/command";
import { type ExtensionRow, useExtensions } from "../../api/extensions";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorState } from "../../ui/ErrorState";
import { counted } from "../../ui/figures";
import { IconFilterOff, IconPuzzle } from "../../ui/icons";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { StaleNotice } from "../../ui/StaleNotice";
import { ExtensionTable } from "./ExtensionTable";
import { filterExtensions } from "./extensionOrder";
import { FilterBox } from "./FilterBox";

export function ExtensionsPage() {
  const extensions = useExtensions();
  const [filter, setFilter] = useState("");
  const { data: rows, error, dataUpdatedAt } = extensions;
  const refetch = () => void extensions.refetch();

  const loaded = rows !== undefined;
  useEffect(() => {
    if (loaded) reportTableShown();
  }, [loaded]);

  return (
    <>
      <PageHeader title="Extensions" summary={rows && rows.length > 0 ? summary(rows) : undefined}>
        {rows?.length !== 0 && <FilterBox value={filter} onChange={setFilter} />}
      </PageHeader>
      {rows && error && (
        <StaleNotice error={toErrorReport(error)} shownSince={dataUpdatedAt} onRetry={refetch} />
      )}
      <Panel>
        {rows ? (
          <Rows rows={rows} filter={filter} onClearFilter={() => setFilter("")} onRefresh={refetch} />
        ) : error ? (
          <ErrorState
            tried="The extensions could not be read"
            error={toErrorReport(error)}
            onRetry={refetch}
          />
        ) : (
          <SkeletonRows label="Reading the extensions" />
        )}
      </Panel>
    </>
  );
}

type RowsProps = {
  rows: readonly ExtensionRow[];
  filter: string;
  onClearFilter: () => void;
  onRefresh: () => void;
};

function Rows({ rows, filter, onClearFilter, onRefresh }: RowsProps) {
  if (rows.length === 0) {
    return (
      <EmptyState
        icon={IconPuzzle}
        title="No extensions yet"
        action={
          <Button size="xs" variant="default" onClick={onRefresh}>
            Look again
          </Button>
        }
      >
        An extension appears here as soon as a program registers one in this database.
      </EmptyState>
    );
  }
  const matching = filterExtensions(rows, filter);
  if (matching.length === 0) {
    return (
      <EmptyState
        icon={IconFilterOff}
        title={`Nothing matches “${filter.trim()}”`}
        action={
          <Button size="xs" variant="default" onClick={onClearFilter}>
            Clear filter
          </Button>
        }
      >
        The filter looks at the id, the type and the subject of {counted(rows.length, "extension")}.
      </EmptyState>
    );
  }
  return <ExtensionTable rows={matching} />;
}

function summary(rows: readonly ExtensionRow[]): string {
  const onCount = rows.filter((row) => row.enabled).length;
  return `${onCount} on · ${rows.length - onCount} off`;
}
