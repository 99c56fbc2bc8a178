import type { AuditEntry } from "../bindings";
import { isolated } from "./isolated";

/** Who did it: the name that was recorded, else the account it ran under. */
export function actor(entry: AuditEntry): string {
  return entry.changed_by ?? entry.os_user ?? "unknown";
}

/** "anna disabled pii_guard · false positives on invoices". */
export function changeSentence(entry: AuditEntry): string {
  const words = `${isolated(actor(entry))} ${entry.action} ${isolated(entry.extension_id)}`;
  return entry.reason === null ? words : `${words} · ${isolated(entry.reason)}`;
}
