import { type ReactNode, useCallback } from "react";
import { toErrorReport } from "../../api/command";
import { useUndoReason } from "../../api/connections";
import { type Answer, unasked, useUndoRequest, wantsAnswer } from "../../api/extensions";
import { notifyFailure, notifyUndoable } from "../../ui/notify";
import { ask } from "./question";

type Done = {
  /** The name under which it was asked for. */
  requestId: string;
  /** The extensions that it changed. */
  ids: readonly string[];
  /** What was done, for questions and failures: "Switched on pii_guard". */
  done: string;
  message: ReactNode;
};

/** Says what one transaction has changed and offers the way back, which asks where the registry wants an answer. */
export function useUndoOffer(): (done: Done) => void {
  const { mutateAsync: undoRequest } = useUndoRequest();
  const undoReason = useUndoReason();
  return useCallback(
    ({ requestId, ids, done, message }) => {
      const [extensionId] = ids;
      if (extensionId === undefined) return;
      const undo = (answer: Answer) => undoRequest({ requestId, extensionId, answer });
      notifyUndoable({
        subjects: [...ids],
        message,
        undo: () => {
          undo({ ...unasked, reason: undoReason() }).catch((thrown: unknown) => {
            const error = toErrorReport(thrown);
            const what = done.charAt(0).toLowerCase() + done.slice(1);
            if (!wantsAnswer(error)) return notifyFailure(`Could not undo: ${what}`, error);
            const effects = error.facts?.kind === "effects" ? error.facts.value : null;
            ask({
              title: `Undo: ${what}?`,
              ids,
              way: effects && "off",
              ...(effects && { effects }),
              verb: "Undo",
              refusal: "Leave it",
              onConfirm: async (given) => {
                await undo(given);
              },
            });
          });
        },
      });
    },
    [undoRequest, undoReason],
  );
}
