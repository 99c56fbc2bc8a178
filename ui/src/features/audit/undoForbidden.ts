import type { Allowed } from "../../api/access";
import type { AuditEntry } from "../../bindings";

/** Why these changes can't be taken back by this login; null if they can. */
export function undoForbidden(entries: readonly AuditEntry[], allowed: Allowed): string | null {
  if (entries.some((entry) => entry.actor_source === "legacy")) {
    return "A legacy program wrote this entry by itself: what was there before is not known.";
  }
  // Who may switch and nothing else may also switch back.
  const onlySwitches = entries.every((entry) => entry.action === "enabled" || entry.action === "disabled");
  return onlySwitches ? allowed.switching : allowed.editing;
}
