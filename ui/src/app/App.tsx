import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { type QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { type DatabaseMonitor, DatabaseProvider, useDatabase } from "../api/database";
import { FailureScreen } from "../features/start/FailureScreen";
import { StartScreen } from "../features/start/StartScreen";
import type { AppRouter } from "./router";
import { colorSchemeManager, cssVariables, theme } from "./theme";

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
        </DatabaseProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}

/** Without a database there is nothing to navigate, so starting and failing take the whole window. */
function Window({ router }: { router: AppRouter }) {
  const { progress, retry } = useDatabase();
  if (progress?.status.state === "ready") return <RouterProvider router={router} />;
  if (progress?.status.state === "failed") {
    return <FailureScreen error={progress.status.error} failedStep={progress.steps.at(-1)} onRetry={retry} />;
  }
  return <StartScreen steps={progress?.steps ?? []} />;
}
