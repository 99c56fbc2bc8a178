import { Button } from "@mantine/core";
import { useState } from "react";
import type { DatabaseProgress } from "../api/database";
import type { DatabaseStatus } from "../bindings";
import { startStepWords } from "../features/start/startSteps";
import { CopyButton } from "../ui/CopyButton";
import { failureDetails } from "../ui/failure";
import { IconDatabaseOff, IconRefresh } from "../ui/icons";
import { Banner, BannerCode, ShownSince } from "./Banner";

type AwayBannerProps = { progress: DatabaseProgress; onRetry: () => Promise<void> };

/** Over everything while the database is away: how old what is shown is, and how it comes back. */
export function AwayBanner({ progress: { status, awaySince }, onRetry }: AwayBannerProps) {
  if (awaySince === null) return null;
  const isFailed = status.state === "failed";
  return (
    <Banner
      label="The database is away"
      icon={IconDatabaseOff}
      isBad={isFailed}
      title={isFailed ? "The database did not come back" : "The database is away"}
      words={
        <>
          {how(status)} <ShownSince since={awaySince} />
        </>
      }
    >
      {isFailed && (
        <>
          <BannerCode>{status.error.code}</BannerCode>
          <CopyButton size="compact-xs" text={failureDetails(status.error)}>
            Copy details
          </CopyButton>
          <TryAgain onRetry={onRetry} />
        </>
      )}
    </Banner>
  );
}

function how(status: DatabaseStatus): string {
  switch (status.state) {
    case "failed":
      // The details have the log's last lines; here is no room for them.
      return status.error.message.replace(/\.?$/, ".");
    case "starting":
      return startStepWords[status.step].doing;
    case "password_needed":
      return "It asks for the password.";
    case "decision_needed":
      return "It asks for a decision.";
    case "ready":
      return "";
  }
}

function TryAgain({ onRetry }: { onRetry: () => Promise<void> }) {
  const [isRetrying, setRetrying] = useState(false);
  return (
    <Button
      size="compact-xs"
      variant="default"
      loading={isRetrying}
      leftSection={<IconRefresh size={13} aria-hidden />}
      onClick={() => {
        setRetrying(true);
        void onRetry().finally(() => setRetrying(false));
      }}
    >
      Try again
    </Button>
  );
}
