import { Button } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { openLogDirectory } from "../../api/application";
import { toErrorReport } from "../../api/command";
import type { ErrorReport, StartStep } from "../../bindings";
import { CopyButton } from "../../ui/CopyButton";
import { failureDetails } from "../../ui/failure";
import { IconAlertTriangle, IconDatabase, IconFolderOpen, IconRefresh } from "../../ui/icons";
import { notifyFailure } from "../../ui/notify";
import { Screen, ScreenAction, ScreenButtons, ScreenMessage } from "../../ui/Screen";
import classes from "./FailureScreen.module.css";
import { startStepWords } from "./startSteps";

type FailureScreenProps = {
  error: ErrorReport;
  /** Where the start stood when it failed, if it got that far. */
  failedStep: StartStep | undefined;
  /** Which connection failed. */
  about: ReactNode;
  /** The ways to another connection. */
  ways: ReactNode;
  onRetry: () => Promise<void>;
  /** Offers a backup in its place; null where there can be none. */
  onRestore: (() => void) | null;
};

export function FailureScreen({ error, failedStep, about, ways, onRetry, onRestore }: FailureScreenProps) {
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
    <Screen icon={IconAlertTriangle} tone="bad" title="The database is not available" about={about} isAlert>
      <ScreenMessage>{error.message}</ScreenMessage>
      <ScreenAction>{error.action}</ScreenAction>
      <ScreenButtons>
        <Button
          size="xs"
          autoFocus
          disabled={retrying}
          leftSection={<IconRefresh size={14} aria-hidden />}
          onClick={retry}
        >
          Try again
        </Button>
        {ways}
        <CopyButton text={failureDetails(error)}>Copy details</CopyButton>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconFolderOpen size={14} aria-hidden />}
          onClick={openLog}
        >
          Open log folder
        </Button>
        {onRestore !== null && (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconDatabase size={14} aria-hidden />}
            onClick={onRestore}
          >
            Restore a backup…
          </Button>
        )}
      </ScreenButtons>
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
    </Screen>
  );
}

/** The last lines of a log say what went wrong. */
function showEnd(block: HTMLElement | null) {
  if (block) block.scrollTop = block.scrollHeight;
}
