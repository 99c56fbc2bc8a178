import type { FieldChange } from "../bindings";
import { parseExact, printExact } from "./exactJson";
import { withVisibleMarks } from "./isolated";

/** A stretch of a value that is shown in a way of its own; `position` tells it from the others. */
export type ValuePart = { kind: "text" | "hidden" | "reference"; text: string; position: number };

/** The place of a change as it is read: "config › limits", "config › patterns[0]". */
export function placeName({ path }: FieldChange): string {
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
    first,
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
