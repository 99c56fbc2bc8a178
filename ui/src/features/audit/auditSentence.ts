import type { AuditEntry } from "../../bindings";

/** Who did it: the name that was recorded, else the account it ran under. */
export function actor(entry: AuditEntry): string {
  return entry.changed_by ?? entry.os_user ?? "unknown";
}

/** How far the name of the actor can be trusted, in words. */
export function howKnown(entry: AuditEntry): string {
  return entry.actor_source === "login" ? "database login" : "written by a legacy program, not verified";
}
