import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Navigate,
  type RouterHistory,
  redirect,
} from "@tanstack/react-router";
import { AsOfPage } from "../features/audit/AsOfPage";
import { AuditPage } from "../features/audit/AuditPage";
import { readAsOfSearch } from "../features/audit/asOfSearch";
import { readAuditSearch } from "../features/audit/auditSearch";
import { ExtensionHistory } from "../features/audit/ExtensionHistory";
import { ExtensionsPage } from "../features/extensions/ExtensionsPage";
import { readExtensionSearch, storedPanel } from "../features/extensions/extensionSearch";
import { HealthPage } from "../features/health/HealthPage";
import { readHealthSearch } from "../features/health/healthSearch";
import { RoutersPage } from "../features/routers/RoutersPage";
import { SettingsPage } from "../features/settings/SettingsPage";
import { ExportRegistryMenu } from "../features/transfer/ExportRegistryMenu";
import { Shell } from "./Shell";

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => <Navigate to="/extensions" replace />,
});

const routeTree = root.addChildren([
  createRoute({
    getParentRoute: () => root,
    path: "/",
    beforeLoad: () => {
      throw redirect({ to: "/extensions", search: storedPanel(), replace: true });
    },
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/extensions",
    // Put together here, because features don't know each other.
    component: () => (
      <ExtensionsPage
        history={(id) => <ExtensionHistory id={id} />}
        exportMenu={(ids) => <ExportRegistryMenu ids={ids} />}
      />
    ),
    validateSearch: readExtensionSearch,
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
    component: lazyRouteComponent(() => import("../features/transfer/ImportPage"), "ImportPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/health",
    component: HealthPage,
    validateSearch: readHealthSearch,
  }),
  createRoute({ getParentRoute: () => root, path: "/routers", component: RoutersPage }),
  createRoute({ getParentRoute: () => root, path: "/settings", component: SettingsPage }),
]);

export type AppRouter = ReturnType<typeof createAppRouter>;

export function createAppRouter(options: { history?: RouterHistory } = {}) {
  return createRouter({ routeTree, ...options });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: AppRouter;
  }
}
