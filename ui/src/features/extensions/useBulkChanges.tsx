import { useCallback } from "react";
import { toErrorReport } from "../../api/command";
import {
  type Answer,
  note,
  unasked,
  useDeleteExtensions,
  useSetExtensionsEnabled,
  wantsAnswer,
} from "../../api/extensions";
import type { Extension } from "../../bindings";
import { counted, groupedCount } from "../../ui/figures";
import { isolated } from "../../ui/isolated";
import { endUndo, notifyDone, notifyFailure } from "../../ui/notify";
import { withBulkProgress } from "./BulkProgressNote";
import { ask } from "./question";
import { useUndoOffer } from "./useUndoOffer";

/** Changes of several extensions, each in one transaction and with one way back. */
export function useBulkChanges(onDeleted: (ids: readonly string[]) => void) {
  const { mutateAsync: setEnabledTogether } = useSetExtensionsEnabled();
  const { mutateAsync: deleteTogether } = useDeleteExtensions();
  const offer = useUndoOffer();

  const offerUndo = useCallback(
    (requestId: string, rows: readonly Extension[], done: string, already = "") => {
      const [first] = rows;
      if (!first) return;
      offer({
        requestId,
        ids: rows.map(({ id }) => id),
        done,
        message: (
          <>
            {done} {rows.length === 1 ? <code>{first.id}</code> : counted(rows.length, "extension")}
            {already}
          </>
        ),
      });
    },
    [offer],
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

      async function change(answer: Answer) {
        endUndo(ids);
        const named = note(answer);
        const isDone = await withBulkProgress(
          named.request_id,
          `Switching ${word}`,
          setEnabledTogether({ ids, enabled, named }),
        );
        if (isDone) offerUndo(named.request_id, changed, `Switched ${word}`, already);
        else notifyDone("Stopped: no extension was switched");
      }
      const all =
        changed.length === 1 ? isolated(changed[0]?.id ?? "") : counted(changed.length, "extension");
      const verb = enabled ? "Enable" : "Disable";
      change(unasked).catch((thrown: unknown) => {
        const error = toErrorReport(thrown);
        if (!wantsAnswer(error))
          return notifyFailure(
            `Could not switch ${word} ${counted(changed.length, "extension")}: none was changed`,
            error,
          );
        ask({
          title: `${verb} ${all}?`,
          ids,
          way: enabled ? null : "off",
          more: `Undo brings ${changed.length === 1 ? "it" : "them all"} back as before${already}.`,
          verb: `${verb} ${groupedCount(changed.length)}`,
          refusal: "Cancel",
          onConfirm: change,
        });
      });
    },
    [setEnabledTogether, offerUndo],
  );

  const remove = useCallback(
    (rows: readonly Extension[]) => {
      const [first] = rows;
      if (!first) return;
      const isOne = rows.length === 1;
      const ids = rows.map(({ id }) => id);
      ask({
        title: isOne ? `Delete ${isolated(first.id)}?` : `Delete ${counted(rows.length, "extension")}?`,
        ids,
        way: "deleted",
        more: `${deletionEffect(rows)} The history stays, and any version can be brought back from there.`,
        verb: isOne ? "Delete" : `Delete ${groupedCount(rows.length)}`,
        refusal: isOne ? "Keep it" : "Keep them",
        onConfirm: async (answer) => {
          endUndo(ids);
          const seen = rows.map(({ id, revision }) => ({ id, revision }));
          const named = note(answer);
          const isDone = await withBulkProgress(
            named.request_id,
            "Deleting",
            deleteTogether({ seen, named }),
          );
          if (!isDone) return notifyDone("Stopped: no extension was deleted");
          offerUndo(named.request_id, rows, "Deleted");
          onDeleted(ids);
        },
      });
    },
    [deleteTogether, offerUndo, onDeleted],
  );

  return { setEnabled, remove };
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
