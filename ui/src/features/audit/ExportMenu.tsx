import { Button, Menu } from "@mantine/core";
import { useExportAuditLog } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import type { AuditFilter, ExportFormat } from "../../bindings";
import { counted } from "../../ui/figures";
import { Identifier } from "../../ui/Identifier";
import { IconDownload } from "../../ui/icons";
import { notifyDone, notifyFailure } from "../../ui/notify";

type ExportMenuProps = { filter: AuditFilter; filtered: boolean };

/** Saves what the filter lets through, all of it and not only what is loaded. */
export function ExportMenu({ filter, filtered }: ExportMenuProps) {
  const exporting = useExportAuditLog();

  function write(format: ExportFormat) {
    exporting.mutate(
      { filter, format },
      {
        onSuccess: ({ path, count }) =>
          notifyDone(
            <>
              Exported {counted(count, "change")} to <Identifier label="path" value={path} />
            </>,
            { stays: true },
          ),
        onError: (thrown) => notifyFailure("Could not export the audit log", toErrorReport(thrown)),
      },
    );
  }

  return (
    <Menu position="bottom-end" width={240} withinPortal>
      <Menu.Target>
        <Button
          size="xs"
          variant="default"
          loading={exporting.isPending}
          leftSection={<IconDownload size={14} aria-hidden />}
        >
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
