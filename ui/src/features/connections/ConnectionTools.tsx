import { Button, FileButton } from "@mantine/core";
import { toErrorReport } from "../../api/command";
import { useExportConnections, useImportConnections } from "../../api/connections";
import { counted } from "../../ui/figures";
import { Identifier } from "../../ui/Identifier";
import { IconDownload, IconFileImport, IconPlus } from "../../ui/icons";
import { notifyDone, notifyFailure } from "../../ui/notify";

type ConnectionToolsProps = {
  /** How many connections there are. */
  count: number;
  onNew: () => void;
};

/** New connections: typed, or from a file that somebody else has written here. */
export function ConnectionTools({ count, onNew }: ConnectionToolsProps) {
  const importing = useImportConnections();
  const exporting = useExportConnections();

  function importFile(file: File) {
    importing.mutate(file, {
      onSuccess: ({ profiles }) =>
        notifyDone(importedText(profiles.length - count, file.name), { stays: true }),
      onError: (thrown) =>
        notifyFailure(`Could not import connections from ${file.name}`, toErrorReport(thrown)),
    });
  }
  function exportAll() {
    exporting.mutate(undefined, {
      onSuccess: (file) =>
        notifyDone(
          <>
            Exported {counted(file.count, "connection")} to <Identifier label="path" value={file.path} />
          </>,
          { stays: true },
        ),
      onError: (thrown) => notifyFailure("Could not export the connections", toErrorReport(thrown)),
    });
  }

  return (
    <>
      <FileButton
        accept=".json,application/json"
        inputProps={{ "aria-label": "File of connections to import" }}
        onChange={(file) => {
          if (file) importFile(file);
        }}
      >
        {({ onClick }) => (
          <Button
            size="xs"
            variant="default"
            loading={importing.isPending}
            leftSection={<IconFileImport size={14} aria-hidden />}
            onClick={onClick}
          >
            Import
          </Button>
        )}
      </FileButton>
      <Button
        size="xs"
        variant="default"
        loading={exporting.isPending}
        leftSection={<IconDownload size={14} aria-hidden />}
        title="Without passwords"
        onClick={exportAll}
      >
        Export
      </Button>
      <Button size="xs" leftSection={<IconPlus size={14} aria-hidden />} onClick={onNew}>
        New connection
      </Button>
    </>
  );
}

function importedText(count: number, fileName: string): string {
  return count === 0
    ? `All connections of ${fileName} are here already.`
    : `Imported ${counted(count, "connection")} from ${fileName}. No password is in a file: each is asked for.`;
}
