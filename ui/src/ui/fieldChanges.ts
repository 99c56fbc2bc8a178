import type { FieldChange } from "../bindings";
import { parseExact, printExact } from "./exactJson";
import { withVisibleMarks } from "./isolated";

/** A stretch of a value that is shown in a way of its own; `position` tells it from the others. */
export type ValuePart = { kind: "text" | "changed" | "hidden" | "reference"; text: string; position: number };

/** The fields of an extension as the forms call them. */
const fieldLabels: ReadonlyMap<string, string> = new Map([
  ["id", "Id"],
  ["type", "Type"],
  ["subject", "Subject"],
  ["timeout_ms", "Timeout (ms)"],
  ["retry", "Retries"],
  ["enabled", "On"],
  ["config", "Configuration"],
  ["metadata", "Metadata"],
]);

/** The name of a field, the first part of a place, as the forms call it. */
export function fieldLabel(name: string): string {
  return fieldLabels.get(name) ?? name;
}

/** The place of a change as it is read: "Configuration › limits", "Configuration › patterns[0]". */
export function placeName({ path }: Pick<FieldChange, "path"> & Partial<FieldChange>): string {
  // JSON Pointer, RFC 6901: parts after slashes, in which ~1 is a slash and ~0 a tilde.
  const parts = path
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    // A key without a name would leave nothing to see.
    .map((part) => part || '""');
  const [first, ...others] = parts;
  if (first === undefined) return "all of it";
  return others.reduce(
    (name, part) => (/^(0|[1-9]\d*)$/.test(part) ? `${name}[${part}]` : `${name} › ${part}`),
    fieldLabel(first),
  );
}

/**
 * The mark in the place of a secret, and a text that says where a secret is, as printExact spells them.
 * Within a text their quotes would be escaped, and a key has a colon after it: neither is taken for one.
 */
const markOrReference =
  /\{"\$redacted": "([^"\\]*)"\}|"(env:[A-Za-z_][A-Za-z0-9_]*|vault:[^#\s"\\]+#[^\s"\\]+)"(?!:)/g;

/** So much of a fingerprint tells two secrets apart at a glance. */
const shownFingerprint = 6;

function partsOf(printed: string): ValuePart[] {
  const parts: ValuePart[] = [];
  let end = 0;
  function addText(until: number) {
    if (until > end) parts.push({ kind: "text", text: printed.slice(end, until), position: end });
  }
  for (const match of printed.matchAll(markOrReference)) {
    const [whole, fingerprint, reference] = match;
    addText(match.index);
    parts.push(
      reference === undefined
        ? {
            kind: "hidden",
            text: `hidden (${(fingerprint ?? "").slice(0, shownFingerprint)})`,
            position: match.index,
          }
        : { kind: "reference", text: reference, position: match.index },
    );
    end = match.index + whole.length;
  }
  addText(printed.length);
  return parts;
}

function asText(text: string): ValuePart[] {
  return [{ kind: "text", text, position: 0 }];
}

/** One side of a change as lines to read. */
export function indented(json: string): ValuePart[] {
  const value = parseExact(json);
  return value === undefined ? asText(json) : partsOf(withVisibleMarks(printExact(value)));
}

/** So much of both sides must be the same for the rest to stand out. */
const sharedLeast = 8;

/** Both sides of a change as lines to read; where two texts are alike for the most part, what differs stands out. */
export function sidesOf({ before, after }: FieldChange): {
  before: ValuePart[] | null;
  after: ValuePart[] | null;
} {
  const sides = {
    before: before === null ? null : indented(before),
    after: after === null ? null : indented(after),
  };
  const texts = [onlyText(sides.before), onlyText(sides.after)] as const;
  if (texts[0] === null || texts[1] === null) return sides;
  // By letters and not by the halves of one.
  const [old, current] = [[...texts[0]], [...texts[1]]];
  const shorter = Math.min(old.length, current.length);
  let start = 0;
  while (start < shorter && old[start] === current[start]) start += 1;
  let end = 0;
  while (end < shorter - start && old.at(-1 - end) === current.at(-1 - end)) end += 1;
  if (start + end < Math.max(sharedLeast, shorter / 3)) return sides;
  return { before: withStretch(old, start, end), after: withStretch(current, start, end) };
}

function onlyText(parts: ValuePart[] | null): string | null {
  const [only, ...others] = parts ?? [];
  return only?.kind === "text" && others.length === 0 ? only.text : null;
}

function withStretch(letters: readonly string[], start: number, end: number): ValuePart[] {
  const stretches = [
    { kind: "text", letters: letters.slice(0, start) },
    { kind: "changed", letters: letters.slice(start, letters.length - end) },
    { kind: "text", letters: letters.slice(letters.length - end) },
  ] as const;
  return stretches.flatMap(({ kind, letters }, position) =>
    letters.length === 0 ? [] : [{ kind, text: letters.join(""), position }],
  );
}

/** One side of a change within a sentence: a text loses its quotes where nothing else could be meant. */
export function inline(json: string | null): ValuePart[] {
  if (json === null) return asText("nothing");
  const parts = indented(json);
  const value = parseExact(json);
  if (parts[0]?.kind !== "text" || typeof value !== "string" || !value.startsWith("s")) return parts;
  const text = value.slice(1);
  const ambiguous = text.trim() === "" || text === "nothing" || parseExact(text) !== undefined;
  return ambiguous ? parts : asText(withVisibleMarks(text));
}

/** Whether both sides fit into a line beside the sentence. */
export function fitsInline(change: FieldChange): boolean {
  return [change.before, change.after].every(
    (side) => side === null || isHidden(side) || (side.length <= 44 && !/^\s*[[{]/.test(side)),
  );
}

function isHidden(json: string): boolean {
  const parts = indented(json);
  return parts.length === 1 && parts[0]?.kind === "hidden";
}
