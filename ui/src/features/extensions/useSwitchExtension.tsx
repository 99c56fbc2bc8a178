import { useCallback } from "react";
import { useUndoReason } from "../../api/application";
import { toErrorReport } from "../../api/command";
import { type Answer, note, unasked, useSetExtensionEnabled, wantsAnswer } from "../../api/extensions";
import { isolated } from "../../ui/isolated";
import { endUndo, notifyFailure, notifyUndoable } from "../../ui/notify";
import { ask } from "./question";

/** Switches an extension, says so, and offers the way back. Asks where the registry wants an answer first. */
export function useSwitchExtension(): (id: string, enabled: boolean) => void {
  const setEnabled = useSetExtensionEnabled();
  const undoReason = useUndoReason();
  return useCallback(
    (id, enabled) => {
      async function request(target: boolean, answer: Answer) {
        endUndo([id]);
        await setEnabled({ id, enabled: target, note: note(answer) });
      }
      /** Tries it, asks if that is refused for want of an answer, and tells what else went wrong. */
      function attempt(target: boolean, answer: Answer, tried: string, onDone: () => void) {
        request(target, answer).then(onDone, (thrown: unknown) => {
          const error = toErrorReport(thrown);
          if (!wantsAnswer(error)) return notifyFailure(tried, error);
          ask({
            title: `Switch ${target ? "on" : "off"} ${isolated(id)}?`,
            ids: [id],
            way: target ? null : "off",
            verb: target ? "Switch on" : "Switch off",
            refusal: target ? "Leave it off" : "Keep it on",
            onConfirm: async (given) => {
              await request(target, given);
              onDone();
            },
          });
        });
      }
      function undo() {
        const answer = { ...unasked, reason: undoReason() };
        attempt(
          !enabled,
          answer,
          `Could not switch ${isolated(id)} back ${enabled ? "off" : "on"}`,
          () => {},
        );
      }
      const direction = enabled ? "on" : "off";
      attempt(enabled, unasked, `Could not switch ${direction} ${isolated(id)}`, () =>
        notifyUndoable({
          subjects: [id],
          message: (
            <>
              Switched {direction} <code>{id}</code>
            </>
          ),
          undo,
        }),
      );
    },
    [setEnabled, undoReason],
  );
}
