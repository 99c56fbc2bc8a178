import type { ExtensionType } from "../../bindings";
import { placeName } from "../../ui/fieldChanges";
import { lineAndColumn, type Mark, marksIn, syntaxProblem } from "../../ui/jsonText";

/**
 * The rules that the database holds every extension to (docs/schema.md, Rules), said while one types. The
 * database has the last word.
 */
export type ExtensionFields = {
  id: string;
  type: ExtensionType;
  subject: string;
  timeout_ms: number | "";
  retry: number | "";
  enabled: boolean;
  config: string;
  metadata: string;
};

export type FieldName = keyof ExtensionFields;
export type FieldErrors = Partial<Record<FieldName, string>>;

const longestName = 255;
const largestJson = 65_536;

export const timeoutRange = { min: 1, max: 600_000 };
export const retryRange = { min: 0, max: 10 };

/** What the fields are beside: the other extensions, and the extension as it was read. */
export type FieldSurroundings = {
  others: readonly { id: string; subject: string }[];
  read: { config: string; metadata: string } | null;
};

export function fieldErrors(fields: ExtensionFields, { others, read }: FieldSurroundings): FieldErrors {
  const subjectOwner = others.find(({ subject }) => subject === fields.subject);
  const errors: Record<FieldName, string | null> = {
    id:
      idError(fields.id) ??
      (others.some(({ id }) => id === fields.id) ? `${fields.id} is there already.` : null),
    type: null,
    subject:
      subjectError(fields.subject) ?? (subjectOwner ? `${subjectOwner.id} has this subject already.` : null),
    timeout_ms: rangeError(fields.timeout_ms, timeoutRange, "ms"),
    retry: rangeError(fields.retry, retryRange, "retries"),
    enabled: null,
    config: jsonError(fields.config) ?? markError(fields.config, read?.config ?? "{}"),
    metadata: jsonError(fields.metadata) ?? markError(fields.metadata, read?.metadata ?? "{}"),
  };
  return Object.fromEntries(Object.entries(errors).filter(([, error]) => error !== null)) as FieldErrors;
}

function idError(id: string): string | null {
  if (id === "") return "Write an id.";
  if ([...id].length > longestName) return `At most ${longestName} characters.`;
  if (!/^[A-Za-z0-9]/.test(id)) return "Start with a letter or a digit.";
  if (!/^[A-Za-z0-9_.-]+$/.test(id)) return "Use letters, digits, _, - and . only.";
  return null;
}

function subjectError(subject: string): string | null {
  if (subject === "") return "Write a subject.";
  if ([...subject].length > longestName) return `At most ${longestName} characters.`;
  if (/[\s\p{Cc}]/u.test(subject)) return "A NATS subject has no white space.";
  if (/[*>]/.test(subject)) return "An extension answers on one subject: no wildcards (* and >).";
  if (subject.split(".").includes("")) return "No part between dots may be empty.";
  return null;
}

function rangeError(
  value: number | "",
  { min, max }: { min: number; max: number },
  unit: string,
): string | null {
  if (value === "" || !Number.isInteger(value) || value < min || value > max)
    return `A whole number from ${min} to ${max} ${unit}.`;
  return null;
}

function jsonError(text: string): string | null {
  const problem = syntaxProblem(text);
  if (problem) {
    const { line, column } = lineAndColumn(text, problem.from);
    return `Not valid JSON: line ${line}, column ${column}: ${problem.message}.`;
  }
  if (!/^\s*\{/.test(text)) return "Write a JSON object, in braces.";
  if (/\\u0000/.test(text)) return "The character U+0000 can't be stored.";
  if (new TextEncoder().encode(text).length > largestJson) return "At most 64 KiB.";
  return null;
}

/** A mark says "this secret stays as it is": elsewhere than where it was read there is no secret to stay. */
function markError(text: string, read: string): string | null {
  const place = ({ path, fingerprint }: Mark) => JSON.stringify([path, fingerprint]);
  const known = new Set(marksIn(read).map(place));
  const stray = marksIn(text).find((mark) => !known.has(place(mark)));
  if (!stray) return null;
  const name = placeName({ path: stray.path.map((part) => `/${part}`).join(""), before: null, after: null });
  return `${name} has a mark in place of a secret: write the secret, or a reference such as env:NAME.`;
}
