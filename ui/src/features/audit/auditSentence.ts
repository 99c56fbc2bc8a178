import type { AuditAction, AuditEntry, AuditGroup } from "../../bindings";
import { counted, groupedCount } from "../../ui/figures";

/** The login of the server that named the actor, where one did: the database saw only that login. */
export function through(entry: AuditEntry): string | null {
  return entry.actor_source === "claimed" ? (entry.login ?? "an unknown login") : null;
}

/** How far the name of the actor can be trusted, in words. */
export function howKnown(entry: AuditEntry): string {
  switch (entry.actor_source) {
    case "login":
      return "database login";
    case "claimed":
      return `named by the server with the login ${entry.login ?? "unknown"}`;
    case "legacy":
      return "written by a legacy program, not verified";
  }
}

/** What the change took back or brought back, if that is what it was. */
export function origin(entry: AuditEntry): string | null {
  if (entry.undone_group_id !== null) return "took back a group of changes";
  if (entry.undone_revision !== null) return `took back #${groupedCount(entry.undone_revision)}`;
  if (entry.restored_revision !== null)
    return `brought back version #${groupedCount(entry.restored_revision)}`;
  return null;
}

/** The one thing that was done to all of them, or "changed". */
export function commonAction(entries: readonly AuditEntry[]): AuditAction | "changed" {
  const [first] = entries;
  return first && entries.every((entry) => entry.action === first.action) ? first.action : "changed";
}

/** "12 extensions"; "at least 100 extensions" while not all of them are loaded. */
export function groupSize(entries: readonly AuditEntry[], continues: boolean): string {
  const count = new Set(entries.map((entry) => entry.extension_id)).size;
  return (continues ? "at least " : "") + counted(count, "extension");
}

/** "12 changes in one import". */
export function groupWords(group: AuditGroup, entry: AuditEntry): string {
  const more = group.has_more ? "more than " : "";
  return `${more}${counted(group.count, "change")} in one ${operation(group.actions, entry)}`;
}

/** This program, as it names itself to the database: what it does in groups is known. */
const thisProgram = "beamline-registry";

/** What kind of operation changed all of them. */
function operation(actions: readonly AuditAction[], entry: AuditEntry): string {
  if (entry.undone_group_id !== null || entry.undone_revision !== null) return "undo";
  if (entry.restored_revision !== null) return "restore";
  if (actions.length === 1 && (actions[0] === "enabled" || actions[0] === "disabled")) return "switch";
  if (actions.length === 1 && actions[0] === "deleted") return "deletion";
  return entry.application_name === thisProgram ? "import" : "operation";
}
