import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { type QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useState } from "react";
import { useConnectionState } from "../api/connectionState";
import { type DatabaseMonitor, DatabaseProvider, useDatabase } from "../api/database";
import { isUnanswered } from "../features/connections/start/unanswered";
import { StartScreen } from "../features/start/StartScreen";
import { later } from "../ui/later";
import classes from "./App.module.css";
import { AwayBanner } from "./AwayBanner";
import { ReconnectingBanner } from "./ReconnectingBanner";
import type { AppRouter } from "./router";
import { colorSchemeManager, cssVariables, theme } from "./theme";
import { useZoomKeys } from "./useZoomKeys";

// What a start that goes well does not show.
const ConnectionStart = later(
  async () => (await import("../features/connections/start/ConnectionStart")).ConnectionStart,
);
const FailureScreen = later(async () => (await import("../features/start/FailureScreen")).FailureScreen);
const RestoreAfterFailure = later(
  async () => (await import("../features/backups/RestoreAfterFailure")).RestoreAfterFailure,
);
const LostTailBanner = later(async () => (await import("./LostTailBanner")).LostTailBanner);

type AppProps = { queryClient: QueryClient; database: DatabaseMonitor; router: AppRouter };

export function App({ queryClient, database, router }: AppProps) {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      colorSchemeManager={colorSchemeManager}
      defaultColorScheme="auto"
    >
      <QueryClientProvider client={queryClient}>
        <DatabaseProvider monitor={database}>
          <Notifications position="bottom-right" limit={6} containerWidth={400} />
          <Window router={router} />
          <section id="menus" aria-label="Menus and hints" />
        </DatabaseProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}

/**
 * Until the database was open once there is nothing to navigate, so starting and failing take the whole window.
 * From then on the pages stay, with all that was typed into them, also while it is away.
 */
function Window({ router }: { router: AppRouter }) {
  const { progress, retry } = useDatabase();
  const connection = useConnectionState();
  useZoomKeys();
  const [isRestoring, setRestoring] = useState(false);
  if (progress === null) return <StartScreen steps={[]} switchingTo={null} />;
  const { status, steps, wasOpen, switchingTo } = progress;
  const hasPages = wasOpen && switchingTo === null;
  // A failure has a banner over the pages; what has to be answered covers them.
  const isAsked = isUnanswered(status) && !(hasPages && status.state === "failed");
  const start = isAsked ? (
    <ConnectionStart
      key={status.profile.id}
      status={status}
      failure={(about, ways) =>
        status.state === "failed" && (
          <FailureScreen
            error={status.error}
            failedStep={steps.at(-1)}
            about={about}
            ways={ways}
            onRetry={retry}
            onRestore={status.profile.database.kind === "embedded" ? () => setRestoring(true) : null}
          />
        )
      }
    />
  ) : null;
  // What was restored without pages is shown by a window that begins anew.
  if (!hasPages || isRestoring)
    return (
      <>
        {start ?? <StartScreen steps={steps} switchingTo={switchingTo} />}
        {isRestoring && <RestoreAfterFailure onClose={() => setRestoring(false)} />}
      </>
    );
  return (
    <div className={classes.window}>
      <AwayBanner progress={progress} onRetry={retry} />
      <ReconnectingBanner />
      {connection?.lost_tail && <LostTailBanner />}
      <div className={classes.page} hidden={isAsked}>
        <RouterProvider router={router} />
      </div>
      {start && <div className={classes.page}>{start}</div>}
    </div>
  );
}
