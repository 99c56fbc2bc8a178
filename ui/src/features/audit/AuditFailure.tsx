import { toErrorReport } from "../../api/command";
import { ErrorState } from "../../ui/ErrorState";
import { failureDetails } from "../../ui/failure";
import { NoPermission } from "../../ui/NoPermission";

type AuditFailureProps = { tried: string; thrown: unknown; onRetry: () => void };

/** Why something of the past can't be shown: because the login may not see it, or because reading it failed. */
export function AuditFailure({ tried, thrown, onRetry }: AuditFailureProps) {
  const error = toErrorReport(thrown);
  if (error.code !== "forbidden") return <ErrorState tried={tried} error={error} onRetry={onRetry} />;
  return (
    <NoPermission
      title="Your login may not read the audit log"
      needs={error.facts?.kind === "required_role" ? error.facts.value : "registry_auditor"}
      details={failureDetails(error)}
      onRetry={onRetry}
    />
  );
}
