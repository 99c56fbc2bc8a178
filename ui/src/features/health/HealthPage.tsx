import { toErrorReport } from "../../api/command";
import { useHealth } from "../../api/health";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorState } from "../../ui/ErrorState";
import { IconActivity } from "../../ui/icons";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { StaleNotice } from "../../ui/StaleNotice";
import { HealthTable } from "./HealthTable";
import { healthSummary } from "./healthState";

export function HealthPage() {
  const health = useHealth();
  const { data: reports, error, dataUpdatedAt } = health;
  const refetch = () => void health.refetch();

  return (
    <>
      <PageHeader
        title="Health"
        summary={reports && reports.length > 0 ? healthSummary(reports) : undefined}
      />
      {reports && error && (
        <StaleNotice error={toErrorReport(error)} shownSince={dataUpdatedAt} onRetry={refetch} />
      )}
      <Panel>
        {reports ? (
          reports.length > 0 ? (
            <HealthTable reports={reports} />
          ) : (
            <EmptyState icon={IconActivity} title="Nothing to report on yet">
              Each extension has a line here as soon as there is one in this database.
            </EmptyState>
          )
        ) : error ? (
          <ErrorState
            tried="The health figures could not be read"
            error={toErrorReport(error)}
            onRetry={refetch}
          />
        ) : (
          <SkeletonRows label="Reading the health figures" />
        )}
      </Panel>
    </>
  );
}
