import { Button } from "@mantine/core";
import { useState } from "react";
import { openLogDirectory } from "../../api/application";
import { toErrorReport } from "../../api/command";
import type { ErrorReport, StartStep } from "../../bindings";
import { CopyButton } from "../../ui/CopyButton";
import { failureDetails } from "../../ui/failure";
import { IconAlertTriangle, IconFolderOpen, IconRefresh } from "../../ui/icons";
import { notifyFailure } from "../../ui/notify";
import classes from "./FailureScreen.module.css";
import { startStepWords } from "./startSteps";

type FailureScreenProps = {
  error: ErrorReport;
  /** Where the start stood when it failed, if it got that far. */
  failedStep: StartStep | undefined;
  onRetry: () => Promise<void>;
};

export function FailureScreen({ error, failedStep, onRetry }: FailureScreenProps) {
  const [retrying, setRetrying] = useState(false);

  function retry() {
    setRetrying(true);
    void onRetry().finally(() => setRetrying(false));
  }

  function openLog() {
    openLogDirectory().catch((thrown: unknown) =>
      notifyFailure("Could not open the log folder", toErrorReport(thrown)),
    );
  }

  return (
    <main className={classes.screen}>
      <div className={classes.column} role="alert">
        <div className={classes.head}>
          <IconAlertTriangle size={22} stroke={1.8} aria-hidden />
          <h1 className={classes.title}>The database is not available</h1>
        </div>
        <p className={classes.message}>{error.message}</p>
        <p className={classes.action}>{error.action}</p>
        <div className={classes.buttons}>
          <Button
            size="xs"
            autoFocus
            disabled={retrying}
            leftSection={<IconRefresh size={14} aria-hidden />}
            onClick={retry}
          >
            Try again
          </Button>
          <CopyButton text={failureDetails(error)}>Copy details</CopyButton>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconFolderOpen size={14} aria-hidden />}
            onClick={openLog}
          >
            Open log folder
          </Button>
        </div>
        {error.detail !== null && (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling block has to be reachable by keyboard
          <section ref={showEnd} className={classes.detail} aria-label="Details" tabIndex={0}>
            <pre>{error.detail}</pre>
          </section>
        )}
        <p className={classes.foot}>
          <span data-testid="error-code">{error.code}</span>
          {failedStep && <span>while: {startStepWords[failedStep].doing.replace("…", "")}</span>}
        </p>
      </div>
    </main>
  );
}

/** The last lines of a log say what went wrong. */
function showEnd(block: HTMLElement | null) {
  if (block) block.scrollTop = block.scrollHeight;
}
