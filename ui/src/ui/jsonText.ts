import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { type ExactJson, isObject, memberName, parseExact } from "./exactJson";
import { pointerParts } from "./jsonChanges";

/** Where in a JSON text something is, and what is wrong there. */
export type TextProblem = { from: number; to: number; message: string };

/** The first place at which a text is no JSON. Comments and commas at the end are none of JSON's. */
export function syntaxProblem(text: string): TextProblem | null {
  const errors: ParseError[] = [];
  parseTree(text, errors, { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false });
  const [first] = errors;
  if (!first) return null;
  return {
    from: first.offset,
    to: first.offset + Math.max(1, first.length),
    message: syntaxWords[printParseErrorCode(first.error)] ?? "this is no JSON",
  };
}

const syntaxWords: Record<string, string> = {
  InvalidSymbol: "this is no JSON value",
  InvalidNumberFormat: "this is no number",
  PropertyNameExpected: "a name in quotes is missing",
  ValueExpected: "a value is missing",
  ColonExpected: "a colon is missing",
  CommaExpected: "a comma is missing",
  CloseBraceExpected: "a closing brace } is missing",
  CloseBracketExpected: "a closing bracket ] is missing",
  EndOfFileExpected: "there is more after the end of the JSON",
  InvalidCommentToken: "JSON has no comments",
  UnexpectedEndOfComment: "JSON has no comments",
  UnexpectedEndOfString: "the closing quote is missing",
  UnexpectedEndOfNumber: "the number ends too early",
  InvalidUnicode: "this is no \\u escape",
  InvalidEscapeCharacter: "there is no such escape",
  InvalidCharacter: "this character must be escaped",
};

export function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** The stretch of a text that a JSON Pointer names; the opening brace stands for all of it. */
export function placeInText(text: string, pointer: string): { from: number; to: number } | null {
  const tree = parseTree(text);
  if (!tree) return null;
  const parts = pointerParts(pointer);
  if (parts.length === 0) return { from: tree.offset, to: tree.offset + 1 };
  let node: Node | undefined = tree;
  for (const part of parts) {
    node = node && findNodeAtLocation(node, [node.type === "array" ? Number(part) : part]);
  }
  return node ? { from: node.offset, to: node.offset + node.length } : null;
}

/** A place as it is looked up: the pointer's parts without their escapes, and what the mark says. */
export type Mark = { path: readonly string[]; fingerprint: string };

/** All places of a JSON text at which a mark stands for a secret that is kept out of sight. */
export function marksIn(json: string): Mark[] {
  const marks: Mark[] = [];
  visitJson(json, (path, value) => {
    const fingerprint = isObject(value) ? value.s$redacted : undefined;
    if (typeof fingerprint === "string") marks.push({ path, fingerprint: fingerprint.slice(1) });
  });
  return marks;
}

/** A value that is fetched by the router and not stored in the registry: `env:NAME` or `vault:path#key`. */
export function isReference(text: string): boolean {
  return /^(env:[A-Za-z_][A-Za-z0-9_]*|vault:[^#\s]+#\S+)$/.test(text);
}

/** Visits every value, parents first; `path` holds the names of members and the places in arrays. */
export function visitJson(json: string, visit: (path: readonly string[], value: ExactJson) => void): void {
  const root = parseExact(json);
  if (root !== undefined) visitValue(root, [], visit);
}

function visitValue(
  value: ExactJson,
  path: readonly string[],
  visit: (path: readonly string[], value: ExactJson) => void,
): void {
  visit(path, value);
  if (Array.isArray(value)) {
    value.forEach((item, place) => {
      visitValue(item, [...path, String(place)], visit);
    });
  } else if (isObject(value)) {
    for (const [name, member] of Object.entries(value))
      visitValue(member, [...path, memberName(name)], visit);
  }
}
