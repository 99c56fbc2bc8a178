import { Button } from "@mantine/core";
import type { ErrorReport } from "../bindings";
import { CopyButton } from "./CopyButton";
import { failureDetails } from "./failure";
import { IconAlertTriangle } from "./icons";
import classes from "./StaleNotice.module.css";
import { Timestamp } from "./Timestamp";

type StaleNoticeProps = {
  error: ErrorReport;
  /** When what is on the screen was read, in milliseconds since the epoch. */
  shownSince: number;
  onRetry: () => void;
};

/** What is shown is older than it should be; it stays readable, and its age is said. */
export function StaleNotice({ error, shownSince, onRetry }: StaleNoticeProps) {
  return (
    <div className={classes.notice} role="status">
      <IconAlertTriangle size={15} aria-hidden />
      <span className={classes.words}>
        Could not refresh: {error.message} Shown as read{" "}
        <Timestamp value={new Date(shownSince).toISOString()} />.
      </span>
      <span className={classes.code} data-testid="error-code">
        {error.code}
      </span>
      <CopyButton size="compact-xs" text={failureDetails(error)}>
        Copy details
      </CopyButton>
      <Button size="compact-xs" variant="default" onClick={onRetry}>
        Try again
      </Button>
    </div>
  );
}
