import type { DatabaseStatus } from "../../../bindings";

/** What somebody has to answer before a registry can be shown. */
export type Unanswered = Extract<DatabaseStatus, { state: "password_needed" | "decision_needed" | "failed" }>;

export function isUnanswered(status: DatabaseStatus): status is Unanswered {
  return status.state !== "ready" && status.state !== "starting";
}
