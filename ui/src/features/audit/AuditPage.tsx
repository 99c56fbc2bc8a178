import { Button, Menu } from "@mantine/core";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { useAuditEntries, useExportAuditLog } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import type { AuditFilter, ExportFormat } from "../../bindings";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorState } from "../../ui/ErrorState";
import { counted } from "../../ui/figures";
import { IconDownload, IconFilterOff, IconHistory } from "../../ui/icons";
import { notifyDone, notifyFailure } from "../../ui/notify";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { StaleNotice } from "../../ui/StaleNotice";
import { AuditFilters } from "./AuditFilters";
import classes from "./AuditPage.module.css";
import { AuditTimeline } from "./AuditTimeline";
import { type AuditSearch, auditFilter, isFiltered } from "./auditSearch";
import { SealFault, SealState } from "./SealState";

export function AuditPage() {
  const search = useSearch({ from: "/audit" });
  const navigate = useNavigate({ from: "/audit" });
  // "The last hour" begins where the page was asked for it, and stays there until it is asked again.
  const filter = useMemo(() => auditFilter(search, new Date()), [search]);
  const audit = useAuditEntries(filter);
  const { data: entries, error, dataUpdatedAt } = audit;
  const refetch = () => void audit.refetch();
  const setSearch = (next: AuditSearch) => void navigate({ search: next, replace: true });

  return (
    <>
      <PageHeader title="Audit" summary="Every change, newest first">
        <SealState />
        <ExportMenu filter={filter} />
      </PageHeader>
      <SealFault />
      <AuditFilters search={search} onChange={setSearch} />
      {entries && error && (
        <StaleNotice error={toErrorReport(error)} shownSince={dataUpdatedAt} onRetry={refetch} />
      )}
      {entries && entries.length > 0 ? (
        <>
          <AuditTimeline entries={entries} onNarrow={(more) => setSearch({ ...search, ...more })} />
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
                  <Button size="xs" variant="default" onClick={() => setSearch({})}>
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

const formats: readonly { format: ExportFormat; name: string }[] = [
  { format: "csv", name: "CSV, for spreadsheets" },
  { format: "ndjson", name: "NDJSON, for programs" },
];

/** Saves what the filter lets through, all of it and not only what is loaded. */
function ExportMenu({ filter }: { filter: AuditFilter }) {
  const exportLog = useExportAuditLog();

  function save(format: ExportFormat) {
    exportLog.mutate(
      { filter, format },
      {
        onSuccess: (file) =>
          notifyDone(
            <>
              Exported {counted(file.count, "change")} to <code>{file.path}</code>
            </>,
          ),
        onError: (error) => notifyFailure("Could not export the audit log", toErrorReport(error)),
      },
    );
  }

  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button
          size="xs"
          variant="default"
          loading={exportLog.isPending}
          leftSection={<IconDownload size={14} aria-hidden />}
        >
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {formats.map(({ format, name }) => (
          <Menu.Item key={format} onClick={() => save(format)}>
            {name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
