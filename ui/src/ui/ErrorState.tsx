import { Button } from "@mantine/core";
import type { ErrorReport } from "../bindings";
import { CopyButton } from "./CopyButton";
import { failureDetails } from "./failure";
import { IconAlertTriangle } from "./icons";
import { NoPermission } from "./NoPermission";
import classes from "./Placeholder.module.css";

/** A page whose data could not be read: what was tried, why it failed, what to do. */
export function ErrorState({
  tried,
  error,
  onRetry,
}: {
  tried: string;
  error: ErrorReport;
  onRetry: () => void;
}) {
  if (error.code === "forbidden" && error.facts?.kind === "required_role")
    return (
      <NoPermission
        title={tried}
        needs={error.facts.value}
        details={failureDetails(error)}
        onRetry={onRetry}
      />
    );
  return (
    <div className={classes.placeholder} role="alert">
      <IconAlertTriangle className={classes.icon} data-tone="bad" size={28} stroke={1.6} aria-hidden />
      <h2 className={classes.title}>{tried}</h2>
      <p className={classes.text}>
        {error.message} {error.action}
      </p>
      <div className={classes.actions}>
        <Button size="xs" onClick={onRetry}>
          Try again
        </Button>
        <CopyButton text={failureDetails(error)}>Copy details</CopyButton>
      </div>
      <span className={classes.code} data-testid="error-code">
        {error.code}
      </span>
    </div>
  );
}
