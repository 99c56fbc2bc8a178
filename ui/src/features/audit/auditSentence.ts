import type { AuditAction, AuditEntry } from "../../bindings";
import { counted, groupedCount } from "../../ui/figures";

/** Who did it: the name that was recorded, else the account it ran under. */
export function actor(entry: AuditEntry): string {
  return entry.changed_by ?? entry.os_user ?? "unknown";
}

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
