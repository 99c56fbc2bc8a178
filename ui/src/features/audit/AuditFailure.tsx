import { Button } from "@mantine/core";
import { toErrorReport } from "../../api/command";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorState } from "../../ui/ErrorState";
import { IconLock } from "../../ui/icons";

type AuditFailureProps = { tried: string; thrown: unknown; onRetry: () => void };

/** Why something of the past can't be shown: because the login may not see it, or because reading it failed. */
export function AuditFailure({ tried, thrown, onRetry }: AuditFailureProps) {
  const error = toErrorReport(thrown);
  if (error.code !== "forbidden") return <ErrorState tried={tried} error={error} onRetry={onRetry} />;
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
