import { toErrorReport } from "../../api/command";
import { useExportRegistry } from "../../api/transfer";
import type { DocumentFormat } from "../../bindings";
import { counted } from "../../ui/figures";
import { Identifier } from "../../ui/Identifier";
import { notifyDone, notifyFailure } from "../../ui/notify";

/** Saves extensions to a file and says where: those with these ids, or the whole registry. */
export function useRegistryExport() {
  const exporting = useExportRegistry();

  function write(ids: readonly string[] | null, format: DocumentFormat) {
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

  return { write, isPending: exporting.isPending };
}
