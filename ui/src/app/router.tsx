import {
  createRootRoute,
  createRoute,
  createRouter,
  Navigate,
  type RouterHistory,
  redirect,
} from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import type { Extension } from "../bindings";
import { readAsOfSearch } from "../features/audit/asOfSearch";
import { readAuditSearch } from "../features/audit/auditSearch";
import { ExtensionsPage } from "../features/extensions/ExtensionsPage";
import { readExtensionSearch, readPageSearch } from "../features/extensions/extensionSearch";
import { readExtensionHealthSearch, readHealthSearch } from "../features/health/healthSearch";
import { ExportRegistryMenu } from "../features/transfer/ExportRegistryMenu";
import { later } from "../ui/later";
import { SkeletonRows } from "../ui/SkeletonRows";
import { storeAddress, storedAddress } from "./address";
import { Shell } from "./Shell";

// A start shows the extensions, as a rule. The code of the other pages comes after them, in the order of the navigation.
const ExtensionHistory = later(
  async () => (await import("../features/audit/ExtensionHistory")).ExtensionHistory,
);
const ExtensionPage = later(async () => (await import("../features/extensions/ExtensionPage")).ExtensionPage);
const AuditPage = later(async () => (await import("../features/audit/AuditPage")).AuditPage);
const HealthPage = later(async () => (await import("../features/health/HealthPage")).HealthPage);
const RoutersPage = later(async () => (await import("../features/routers/RoutersPage")).RoutersPage);
const BackupsPage = later(async () => (await import("../features/backups/BackupsPage")).BackupsPage);
const SettingsPage = later(async () => (await import("../features/settings/SettingsPage")).SettingsPage);
const BackupsSummary = later(async () => (await import("../features/backups/BackupsSummary")).BackupsSummary);
const ConnectionsPage = later(
  async () => (await import("../features/connections/ConnectionsPage")).ConnectionsPage,
);
const AsOfPage = later(async () => (await import("../features/audit/AsOfPage")).AsOfPage);
const ImportPage = later(async () => (await import("../features/transfer/ImportPage")).ImportPage);
const ExtensionHealthPage = later(
  async () => (await import("../features/health/ExtensionHealthPage")).ExtensionHealthPage,
);
const HelpPage = later(async () => (await import("../features/help/HelpPage")).HelpPage);

/** It brings an editor along, which no start needs. */
const LiveTest = lazy(() =>
  import("../features/live-test/LiveTest").then(({ LiveTest }) => ({ default: LiveTest })),
);
/** Charts bring their own code along, which no start needs. */
const ExtensionHealthPanel = lazy(() =>
  import("../features/health/ExtensionHealthPanel").then(({ ExtensionHealthPanel }) => ({
    default: ExtensionHealthPanel,
  })),
);

/** What other features show of an extension. Put together here, because features don't know each other. */
const parts = {
  history: (id: string) => <ExtensionHistory id={id} />,
  health: (id: string) => (
    <Suspense fallback={<SkeletonRows label={`Reading the health of ${id}`} />}>
      <ExtensionHealthPanel id={id} />
    </Suspense>
  ),
  liveTest: (extension: Extension) => (
    <Suspense fallback={<SkeletonRows label="Opening the editor" />}>
      <LiveTest extension={extension} />
    </Suspense>
  ),
};

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => <Navigate to="/extensions" replace />,
});

const routeTree = root.addChildren([
  createRoute({
    getParentRoute: () => root,
    path: "/",
    beforeLoad: () => {
      throw redirect({ ...storedAddress(), replace: true });
    },
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/extensions",
    component: () => <ExtensionsPage {...parts} exportMenu={(ids) => <ExportRegistryMenu ids={ids} />} />,
    validateSearch: readExtensionSearch,
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/extensions/$id",
    component: () => <ExtensionPage {...parts} />,
    validateSearch: readPageSearch,
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/audit",
    component: AuditPage,
    validateSearch: readAuditSearch,
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/as-of",
    component: AsOfPage,
    validateSearch: readAsOfSearch,
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/import",
    component: ImportPage,
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/health",
    component: HealthPage,
    validateSearch: readHealthSearch,
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/health/$id",
    component: ExtensionHealthPage,
    validateSearch: readExtensionHealthSearch,
  }),
  createRoute({ getParentRoute: () => root, path: "/routers", component: RoutersPage }),
  createRoute({ getParentRoute: () => root, path: "/backups", component: BackupsPage }),
  createRoute({
    getParentRoute: () => root,
    path: "/settings",
    component: () => <SettingsPage backups={<BackupsSummary />} />,
  }),
  createRoute({ getParentRoute: () => root, path: "/connections", component: ConnectionsPage }),
  createRoute({
    getParentRoute: () => root,
    path: "/help",
    beforeLoad: () => {
      throw redirect({ to: "/help/$document", params: { document: "readme" }, replace: true });
    },
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/help/$document",
    component: HelpPage,
  }),
]);

export type AppRouter = ReturnType<typeof createAppRouter>;

export function createAppRouter(options: { history?: RouterHistory } = {}) {
  const router = createRouter({ routeTree, ...options });
  // The next start goes on from here.
  router.subscribe("onResolved", () => {
    const match = router.state.matches.at(-1);
    if (match) storeAddress(match.routeId, "id" in match.params ? match.params.id : undefined, match.search);
  });
  return router;
}

declare module "@tanstack/react-router" {
  interface Register {
    router: AppRouter;
  }
  interface HistoryState {
    /** The file that the page of the backups is opened for. */
    backup?: string;
  }
}
