import { Button, Menu } from "@mantine/core";
import { toErrorReport } from "../../api/command";
import { useExportRegistry } from "../../api/transfer";
import type { DocumentFormat } from "../../bindings";
import { counted } from "../../ui/figures";
import { Identifier } from "../../ui/Identifier";
import { IconDownload } from "../../ui/icons";
import { notifyDone, notifyFailure } from "../../ui/notify";

/** Saves extensions to a file: those with these ids, or the whole registry. */
export function ExportRegistryMenu({ ids }: { ids: readonly string[] | null }) {
  const exporting = useExportRegistry();

  function write(format: DocumentFormat) {
    exporting.mutate(
      { ids, format },
      {
        onSuccess: ({ path, count }) =>
          notifyDone(
            <>
              Exported {counted(count, "extension")} to <Identifier label="path" value={path} />
            </>,
            { stays: true },
          ),
        onError: (thrown) => notifyFailure("Could not export the extensions", toErrorReport(thrown)),
      },
    );
  }

  return (
    <Menu position="bottom-end" width={280} withinPortal>
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
        <Menu.Label>
          {ids === null ? "The whole registry" : counted(ids.length, "selected extension")}, secrets hidden
        </Menu.Label>
        <Menu.Item onClick={() => write("yaml")}>YAML, to read and compare</Menu.Item>
        <Menu.Item onClick={() => write("json")}>JSON, for programs</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
