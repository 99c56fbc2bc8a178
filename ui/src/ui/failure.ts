/** Whatever says what failed, why and what to do. */
export type ShownError = {
  code: string;
  message: string;
  action: string;
  detail: string | null;
  field?: string | null;
};

/** Everything known about a failure, as text to paste into a report. */
export function failureDetails(error: ShownError): string {
  const lines = [`${error.message} (${error.code})`, error.action];
  if (error.field) lines.push(`Field: ${error.field}`);
  if (error.detail !== null) lines.push("", error.detail);
  return lines.join("\n");
}

/** With the full stop that not every message has. */
export function asSentence(text: string): string {
  return text.replace(/\.?$/, ".");
}
