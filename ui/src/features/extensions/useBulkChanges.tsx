import { useCallback, useState } from "react";
import { toErrorReport } from "../../api/command";
import { useDeleteExtensions, useSetExtensionsEnabled, useUndoRequest } from "../../api/extensions";
import type { Extension } from "../../bindings";
import { counted, groupedCount } from "../../ui/figures";
import { endUndo, notifyFailure, notifyUndoable } from "../../ui/notify";
import type { Question } from "./ConfirmDialog";

/** Switching off more than this at once is asked about: a slip would be felt before it is undone. */
const switchedOffUnasked = 20;

/**
 * Changes of several extensions, each in one transaction and with one way back. `question` is what has to be
 * asked first, for the page to show.
 */
export function useBulkChanges(onDeleted: (ids: readonly string[]) => void) {
  const { mutateAsync: setEnabledTogether } = useSetExtensionsEnabled();
  const { mutateAsync: deleteTogether } = useDeleteExtensions();
  const { mutateAsync: undoRequest } = useUndoRequest();
  const [question, setQuestion] = useState<Question | null>(null);

  const offerUndo = useCallback(
    (requestId: string, rows: readonly Extension[], done: string, already = "") => {
      const [first] = rows;
      if (!first) return;
      notifyUndoable({
        subjects: rows.map(({ id }) => id),
        message: (
          <>
            {done} {rows.length === 1 ? <code>{first.id}</code> : counted(rows.length, "extension")}
            {already}
          </>
        ),
        undo: () => {
          undoRequest({ requestId, extensionId: first.id }).catch((thrown: unknown) =>
            notifyFailure(`Could not undo: ${done.toLowerCase()}`, toErrorReport(thrown)),
          );
        },
      });
    },
    [undoRequest],
  );

  /** Switches those of the rows that are not so yet. */
  const setEnabled = useCallback(
    (rows: readonly Extension[], enabled: boolean) => {
      const changed = rows.filter((row) => row.enabled !== enabled);
      if (changed.length === 0) return;
      const ids = changed.map(({ id }) => id);
      const word = enabled ? "on" : "off";
      const alreadyCount = rows.length - changed.length;
      const already =
        alreadyCount > 0 ? `; ${groupedCount(alreadyCount)} ${were(alreadyCount)} ${word} already` : "";

      async function change(reason: string) {
        endUndo(ids);
        const requestId = await setEnabledTogether({ ids, enabled, reason });
        offerUndo(requestId, changed, `Switched ${word}`, already);
      }
      if (!enabled && changed.length > switchedOffUnasked) {
        setQuestion({
          title: `Disable ${counted(changed.length, "extension")}?`,
          ids,
          effect: `Routers stop using them at once${already}. Undo brings them back, all together.`,
          verb: `Disable ${groupedCount(changed.length)}`,
          refusal: "Cancel",
          isDangerous: true,
          onConfirm: change,
        });
        return;
      }
      change("").catch((thrown: unknown) =>
        notifyFailure(
          `Could not switch ${word} ${counted(changed.length, "extension")}: none was changed`,
          toErrorReport(thrown),
        ),
      );
    },
    [setEnabledTogether, offerUndo],
  );

  const remove = useCallback(
    (rows: readonly Extension[]) => {
      const [first] = rows;
      if (!first) return;
      const isOne = rows.length === 1;
      const ids = rows.map(({ id }) => id);
      setQuestion({
        title: isOne ? `Delete ${first.id}?` : `Delete ${counted(rows.length, "extension")}?`,
        ids,
        effect: `${deletionEffect(rows)} The history stays, and any version can be brought back from there.`,
        verb: isOne ? "Delete" : `Delete ${groupedCount(rows.length)}`,
        refusal: isOne ? "Keep it" : "Keep them",
        isDangerous: true,
        onConfirm: async (reason) => {
          endUndo(ids);
          const seen = rows.map(({ id, revision }) => ({ id, revision }));
          const requestId = await deleteTogether({ seen, reason });
          offerUndo(requestId, rows, "Deleted");
          onDeleted(ids);
        },
      });
    },
    [deleteTogether, offerUndo, onDeleted],
  );

  return { setEnabled, remove, question, closeQuestion: () => setQuestion(null) };
}

function deletionEffect(rows: readonly Extension[]): string {
  const onCount = rows.filter((row) => row.enabled).length;
  if (rows.length === 1)
    return onCount === 1 ? "It is on: routers stop using it at once." : "It is off: no router uses it now.";
  if (onCount === 0) return "All are off: no router uses them now.";
  if (onCount === rows.length) return "All are on: routers stop using them at once.";
  const them = onCount === 1 ? "it" : "them";
  return `${groupedCount(onCount)} of them ${onCount === 1 ? "is" : "are"} on: routers stop using ${them} at once.`;
}

function were(count: number): string {
  return count === 1 ? "was" : "were";
}
