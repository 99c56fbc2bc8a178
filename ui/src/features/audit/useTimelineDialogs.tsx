import { useNavigate } from "@tanstack/react-router";
import { type ReactNode, useMemo, useState } from "react";
import type { AuditEntry } from "../../bindings";
import { RestoreDialog } from "./RestoreDialog";
import type { TimelineActions, UndoSubject } from "./timelineActions";
import { UndoDialog } from "./UndoDialog";

/** What can be done from the entries of a list, and the dialog in which it is reviewed while one is open. */
export function useTimelineDialogs(filterBy: TimelineActions["filterBy"]): {
  actions: TimelineActions;
  dialog: ReactNode;
} {
  const navigate = useNavigate();
  const [undoing, setUndoing] = useState<UndoSubject | null>(null);
  const [restoring, setRestoring] = useState<AuditEntry | null>(null);
  const actions = useMemo<TimelineActions>(
    () => ({
      filterBy,
      undo: setUndoing,
      restore: setRestoring,
      openAsOf: (revision) => void navigate({ to: "/as-of", search: { revision } }),
    }),
    [filterBy, navigate],
  );
  let dialog: ReactNode = null;
  if (undoing) dialog = <UndoDialog subject={undoing} onClose={() => setUndoing(null)} />;
  else if (restoring) dialog = <RestoreDialog entry={restoring} onClose={() => setRestoring(null)} />;
  return { actions, dialog };
}
