import { useCallback } from "react";
import { toErrorReport } from "../../api/command";
import { type Answer, note, unasked, useSetExtensionEnabled, wantsAnswer } from "../../api/extensions";
import { isolated } from "../../ui/isolated";
import { endUndo, notifyFailure } from "../../ui/notify";
import { ask } from "./question";
import { useUndoOffer } from "./useUndoOffer";

/** Switches an extension, says so, and offers the way back. Asks where the registry wants an answer first. */
export function useSwitchExtension(): (id: string, enabled: boolean) => void {
  const setEnabled = useSetExtensionEnabled();
  const offerUndo = useUndoOffer();
  return useCallback(
    (id, enabled) => {
      const direction = enabled ? "on" : "off";
      async function change(answer: Answer) {
        endUndo([id]);
        const named = note(answer);
        await setEnabled({ id, enabled, note: named });
        offerUndo({
          requestId: named.request_id,
          ids: [id],
          done: `Switched ${direction} ${isolated(id)}`,
          message: (
            <>
              Switched {direction} <code>{id}</code>
            </>
          ),
        });
      }
      change(unasked).catch((thrown: unknown) => {
        const error = toErrorReport(thrown);
        if (!wantsAnswer(error)) return notifyFailure(`Could not switch ${direction} ${isolated(id)}`, error);
        ask({
          title: `Switch ${direction} ${isolated(id)}?`,
          ids: [id],
          way: enabled ? null : "off",
          verb: enabled ? "Switch on" : "Switch off",
          refusal: enabled ? "Leave it off" : "Keep it on",
          onConfirm: change,
        });
      });
    },
    [setEnabled, offerUndo],
  );
}
