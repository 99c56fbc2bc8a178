import type { ErrorReport } from "../bindings";

/** Everything known about a failure, as text to paste into a report. */
export function failureDetails(error: ErrorReport): string {
  const lines = [`${error.message} (${error.code})`, error.action];
  if (error.field !== null) lines.push(`Field: ${error.field}`);
  if (error.detail !== null) lines.push("", error.detail);
  return lines.join("\n");
}
