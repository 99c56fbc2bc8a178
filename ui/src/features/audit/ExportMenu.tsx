import { Button, Menu, Progress } from "@mantine/core";
import { showInFolder, stopExport, useExportAuditLog, useExportProgress } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import type { AuditFilter, ExportFormat } from "../../bindings";
import { counted, groupedCount } from "../../ui/figures";
import { Identifier } from "../../ui/Identifier";
import { IconDownload, IconFolderOpen } from "../../ui/icons";
import { notifyDone, notifyFailure } from "../../ui/notify";
import classes from "./ExportMenu.module.css";

type ExportMenuProps = { filter: AuditFilter; filtered: boolean };

/** Saves what the filter lets through, all of it and not only what is loaded. */
export function ExportMenu({ filter, filtered }: ExportMenuProps) {
  const exporting = useExportAuditLog();

  function write(format: ExportFormat) {
    exporting.mutate(
      { filter, format },
      {
        onSuccess: (file) => {
          if (file === null) notifyDone("Stopped the export. No file was left.");
          else notifyExported(file);
        },
        onError: (thrown) => notifyFailure("Could not export the audit log", toErrorReport(thrown)),
      },
    );
  }

  if (exporting.isPending) return <Exporting />;
  return (
    <Menu position="bottom-end" width={240} withinPortal>
      <Menu.Target>
        <Button size="xs" variant="default" leftSection={<IconDownload size={14} aria-hidden />}>
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{filtered ? "All that the filter lets through" : "The whole log"}</Menu.Label>
        <Menu.Item onClick={() => write("csv")}>CSV, for spreadsheets</Menu.Item>
        <Menu.Item onClick={() => write("ndjson")}>NDJSON, for programs</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function notifyExported({ path, count }: { path: string; count: number }) {
  function show() {
    showInFolder(path).catch((thrown: unknown) =>
      notifyFailure("Could not show the file in its folder", toErrorReport(thrown)),
    );
  }
  notifyDone(
    <>
      Exported {counted(count, "change")} to <Identifier label="path" value={path} />
      <Button
        size="compact-xs"
        variant="default"
        mt={6}
        className={classes.show ?? ""}
        leftSection={<IconFolderOpen size={13} aria-hidden />}
        onClick={show}
      >
        Show in folder
      </Button>
    </>,
    { stays: true },
  );
}

/** How far it is, and a way out. */
function Exporting() {
  const progress = useExportProgress();
  const total = progress?.total ?? null;
  return (
    <div className={classes.exporting}>
      <span role="status">
        {progress === null
          ? "Exporting…"
          : total === null
            ? `Exporting: ${counted(progress.written, "change")} so far`
            : `Exporting: ${groupedCount(progress.written)} of ${groupedCount(total)}`}
      </span>
      {progress !== null && total !== null && total > 0 && (
        <Progress size="sm" w={80} value={(progress.written / total) * 100} aria-label="Exported" />
      )}
      <Button size="xs" variant="default" onClick={stopExport}>
        Cancel
      </Button>
    </div>
  );
}
