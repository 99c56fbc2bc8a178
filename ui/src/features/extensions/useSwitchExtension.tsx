import { useCallback } from "react";
import { toErrorReport } from "../../api/command";
import { useSetExtensionEnabled } from "../../api/extensions";
import { endUndo, notifyFailure, notifyUndoable } from "../../ui/notify";

/** Switches an extension, says so, and offers the way back. */
export function useSwitchExtension(): (id: string, enabled: boolean) => void {
  const setEnabled = useSetExtensionEnabled();
  return useCallback(
    (id, enabled) => {
      const direction = enabled ? "on" : "off";

      async function request(target: boolean) {
        endUndo([id]);
        await setEnabled({
          id,
          enabled: target,
          note: { reason: null, request_id: crypto.randomUUID() },
        });
      }
      function undo() {
        request(!enabled).catch((thrown: unknown) =>
          notifyFailure(`Could not switch ${id} back ${enabled ? "off" : "on"}`, toErrorReport(thrown)),
        );
      }

      request(enabled).then(
        () =>
          notifyUndoable({
            subjects: [id],
            message: (
              <>
                Switched {direction} <code>{id}</code>
              </>
            ),
            undo,
          }),
        (thrown: unknown) => notifyFailure(`Could not switch ${direction} ${id}`, toErrorReport(thrown)),
      );
    },
    [setEnabled],
  );
}
