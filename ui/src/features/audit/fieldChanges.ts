import type { FieldChange } from "../../bindings";
import { isObject, parseExact, printExact } from "./exactJson";

/** The place of a change as it is read: "config › limits", "config › patterns[0]". */
export function placeName({ path }: FieldChange): string {
  // JSON Pointer, RFC 6901: parts after slashes, in which ~1 is a slash and ~0 a tilde.
  const parts = path
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const [first, ...others] = parts;
  if (first === undefined) return "all of it";
  return others.reduce(
    (name, part) => (/^\d+$/.test(part) ? `${name}[${part}]` : `${name} › ${part}`),
    first,
  );
}

/** What stands in the place of a secret, with the beginning of its fingerprint: another one, another secret. */
export function hiddenSecret(json: string): string | null {
  const value = parseExact(json);
  if (!isObject(value)) return null;
  const members = Object.entries(value);
  const [name, fingerprint] = members[0] ?? [];
  if (
    members.length !== 1 ||
    name !== "s$redacted" ||
    typeof fingerprint !== "string" ||
    !fingerprint.startsWith("s")
  )
    return null;
  return `hidden (${fingerprint.slice(1, 7)})`;
}

/** One side of a change as lines to read. */
export function indented(json: string): string {
  const value = parseExact(json);
  return hiddenSecret(json) ?? (value === undefined ? json : printExact(value));
}

/** One side of a change within a sentence: a text loses its quotes where nothing else could be meant. */
export function inline(json: string | null): string {
  if (json === null) return "nothing";
  const hidden = hiddenSecret(json);
  if (hidden !== null) return hidden;
  const value = parseExact(json);
  if (typeof value !== "string" || !value.startsWith("s")) return json;
  const text = value.slice(1);
  const ambiguous = text.trim() === "" || text === "nothing" || parseExact(text) !== undefined;
  return ambiguous ? json : text;
}

/** Whether both sides fit into a line beside the sentence. */
export function fitsInline(change: FieldChange): boolean {
  return [change.before, change.after].every(
    (side) => side === null || hiddenSecret(side) !== null || (side.length <= 44 && !/^\s*[[{]/.test(side)),
  );
}
