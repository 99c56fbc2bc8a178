import { createContext, useContext } from "react";
import type { AuditEntry } from "../../bindings";
import type { SearchChange } from "./auditSearch";

/** What can be done from an entry, wherever it stands. */
export type TimelineActions = {
  /** Shows only what has this in common; null where there is nothing to narrow. */
  filterBy: ((change: SearchChange) => void) | null;
  undo: (subject: UndoSubject) => void;
  restore: (entry: AuditEntry) => void;
  openAsOf: (revision: number) => void;
};

/** What to take back: one change, or all of a group, of which these entries are loaded. */
export type UndoSubject =
  | { kind: "entry"; entry: AuditEntry }
  | { kind: "group"; groupId: string; entries: AuditEntry[]; continues: boolean };

export const TimelineActionsContext = createContext<TimelineActions | null>(null);

export function useTimelineActions(): TimelineActions {
  const actions = useContext(TimelineActionsContext);
  if (!actions) throw new Error("useTimelineActions needs a TimelineActionsContext above it");
  return actions;
}
