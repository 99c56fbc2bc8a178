import { useMantineColorScheme } from "@mantine/core";
import type { SpotlightActionData } from "@mantine/spotlight";
import { useNavigate } from "@tanstack/react-router";
import { everyEntry, useExportAuditLog } from "../api/audit";
import { useMakeBackup } from "../api/backups";
import { useReloadCache } from "../api/cache";
import { toErrorReport } from "../api/command";
import { useConnectionProfiles } from "../api/connections";
import { pauseNotices, useNoticesPaused } from "../api/menu";
import { useVerifyAgain } from "../api/verifyAgain";
import { useZoom } from "../api/zoom";
import type { ExportFormat } from "../bindings";
import { useSwitch } from "../features/connections/useSwitch";
import type { ExtensionActions } from "../features/extensions/extensionActions";
import { extensionTypes, healthStates, healthTerm, healthWords } from "../features/extensions/extensionQuery";
import { readSavedViews } from "../features/extensions/savedViews";
import { useRegistryExport } from "../features/transfer/useRegistryExport";
import { counted } from "../ui/figures";
import {
  IconActivity,
  IconArrowBackUp,
  IconBell,
  IconBellOff,
  IconCalendarTime,
  IconColumns3,
  IconDatabase,
  IconDeviceDesktop,
  IconDownload,
  IconFileImport,
  IconFilter,
  IconHelp,
  IconHistory,
  IconKeyboard,
  IconMoon,
  IconPlus,
  IconPuzzle,
  IconRefresh,
  IconRouter,
  IconServer,
  IconSettings,
  IconShieldCheck,
  IconSun,
  IconSwitchHorizontal,
  IconZoomIn,
  IconZoomOut,
  IconZoomReset,
} from "../ui/icons";
import { isolated } from "../ui/isolated";
import { notifyDone, notifyFailure, undoLast } from "../ui/notify";
import { entry, guarded } from "./paletteEntries";
import { useSampleTraffic } from "./useSampleTraffic";

/** What opens at which part of a page. */
const sections = [
  { to: "/settings", hash: "appearance", label: "Settings: Appearance" },
  { to: "/settings", hash: "database", label: "Settings: Database" },
  { to: "/settings", hash: "nats", label: "Settings: NATS" },
  { to: "/settings", hash: "health-limits", label: "Settings: Health limits" },
  { to: "/settings", hash: "history-of-health", label: "Settings: History of health" },
  { to: "/settings", hash: "backups", label: "Settings: Backups" },
  { to: "/settings", hash: "keyboard", label: "Settings: Keyboard" },
  { to: "/settings", hash: "log", label: "Settings: Log" },
  { to: "/settings", hash: "start-times", label: "Settings: Start times" },
  { to: "/routers", hash: "cache-heading", label: "Routers: This window's cache" },
] as const;

type General = {
  pages: SpotlightActionData[];
  actions: SpotlightActionData[];
  filters: SpotlightActionData[];
};

/** What the palette offers besides single extensions: pages and their parts, actions, and ways to filter the list. */
export function useGeneralActions(
  { allowed, createNew, openImport }: ExtensionActions,
  onShowKeys: () => void,
): General {
  const navigate = useNavigate();
  const { setColorScheme } = useMantineColorScheme();
  const registryExport = useRegistryExport();
  const auditExport = useExportAuditLog();
  const backup = useMakeBackup();
  const reload = useReloadCache();
  const verifyAgain = useVerifyAgain();
  const isPaused = useNoticesPaused();
  const fillWithSampleTraffic = useSampleTraffic();
  const connections = useConnectionProfiles().data;
  const { switchTo } = useSwitch();
  const zoom = useZoom();

  const exportAudit = (format: ExportFormat) =>
    auditExport.mutate(
      { filter: everyEntry, format },
      {
        onSuccess: (file) =>
          file === null
            ? notifyDone("Stopped the export. No file was left.")
            : notifyDone(`Exported ${counted(file.count, "change")} to ${file.path}`, { stays: true }),
        onError: (thrown) => notifyFailure("Could not export the audit log", toErrorReport(thrown)),
      },
    );
  const backUp = () => {
    void navigate({ to: "/backups" });
    backup.mutate(null, {
      onSuccess: (file) =>
        file === null
          ? notifyDone("Stopped the backup. No file was left.")
          : notifyDone(`Backed up to ${file.path}`, { stays: true }),
      onError: (thrown) => notifyFailure("Could not make a backup", toErrorReport(thrown)),
    });
  };
  const reloadAll = () =>
    reload.mutate(undefined, {
      onSuccess: () => notifyDone("Everything was read anew"),
      onError: (thrown) => notifyFailure("Could not read everything anew", toErrorReport(thrown)),
    });
  // An empty text names a view, too: that of all, and not the one that was left last.
  const showOnly = (text: string) => void navigate({ to: "/extensions", search: { text } });

  return {
    pages: [
      entry("Extensions", IconPuzzle, "g e", () => void navigate({ to: "/extensions" })),
      entry("Audit", IconHistory, "g a", () => void navigate({ to: "/audit" })),
      entry("Registry as of another time", IconCalendarTime, "g t", () => void navigate({ to: "/as-of" })),
      entry("Health", IconActivity, "g h", () => void navigate({ to: "/health" })),
      entry("Routers", IconRouter, "g r", () => void navigate({ to: "/routers" })),
      entry("Backups", IconDatabase, "g b", () => void navigate({ to: "/backups" })),
      entry("Help", IconHelp, "F1", () => void navigate({ to: "/help" })),
      entry("Settings", IconSettings, "g s", () => void navigate({ to: "/settings" })),
      entry(
        "Connections and their protection",
        IconServer,
        "g c",
        () => void navigate({ to: "/connections" }),
      ),
      ...sections.map(({ to, hash, label }) =>
        entry(label, to === "/routers" ? IconRouter : IconSettings, null, () => void navigate({ to, hash })),
      ),
    ],
    actions: [
      guarded(allowed.editing, entry("New extension", IconPlus, "n", createNew)),
      guarded(allowed.editing, entry("Import a file of extensions", IconFileImport, "g i", openImport)),
      entry("Undo the last change", IconArrowBackUp, "z", undoLast),
      guarded(allowed.limits, entry("Fill with sample traffic", IconActivity, null, fillWithSampleTraffic)),
      entry("Export the registry as YAML", IconDownload, null, () => registryExport.write(null, "yaml")),
      entry("Export the registry as JSON", IconDownload, null, () => registryExport.write(null, "json")),
      entry("Export the audit log as CSV", IconDownload, null, () => exportAudit("csv")),
      entry("Export the audit log as NDJSON", IconDownload, null, () => exportAudit("ndjson")),
      guarded(allowed.editing, entry("Back up now", IconDatabase, null, backUp)),
      entry("Verify the audit log now", IconShieldCheck, null, () => {
        void navigate({ to: "/audit" }).then(verifyAgain);
      }),
      ...(connections?.profiles ?? [])
        .filter(({ profile }) => profile.id !== connections?.active)
        .map(({ profile }) => ({
          ...entry(`Switch to the connection ${isolated(profile.label)}`, IconSwitchHorizontal, null, () =>
            switchTo(profile),
          ),
          id: `switch to ${profile.id}`,
        })),
      entry("Reload everything", IconRefresh, "F5", reloadAll),
      isPaused
        ? entry("Let notices through again", IconBell, null, () => pauseNotices(false))
        : entry("Hold back notices", IconBellOff, null, () => pauseNotices(true)),
      entry("Light colours", IconSun, null, () => setColorScheme("light")),
      entry("Dark colours", IconMoon, null, () => setColorScheme("dark")),
      entry("Colours of the desktop", IconDeviceDesktop, null, () => setColorScheme("auto")),
      entry("Everything larger", IconZoomIn, "Ctrl +", () => zoom.larger?.()),
      entry("Everything smaller", IconZoomOut, "Ctrl -", () => zoom.smaller?.()),
      entry("As large as it comes", IconZoomReset, "Ctrl 0", zoom.reset),
      entry("Show all keys", IconKeyboard, "?", onShowKeys),
    ],
    filters: [
      ...readSavedViews().map(({ name, view }) => ({
        ...entry(
          `View ${name}`,
          IconColumns3,
          null,
          () => void navigate({ to: "/extensions", search: view }),
        ),
        id: `view ${name}`,
      })),
      entry("Show all extensions", IconFilter, null, () => showOnly("")),
      entry("Show only what is on", IconFilter, null, () => showOnly("is:on")),
      entry("Show only what is off", IconFilter, null, () => showOnly("is:off")),
      ...extensionTypes.map((type) =>
        entry(`Show only type ${type}`, IconFilter, null, () => showOnly(`type:${type}`)),
      ),
      ...healthStates.map((state) =>
        entry(`Show only health ${healthWords[state].toLowerCase()}`, IconFilter, null, () =>
          showOnly(`health:${healthTerm(state)}`),
        ),
      ),
    ],
  };
}
