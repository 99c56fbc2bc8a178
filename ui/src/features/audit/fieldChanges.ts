import type { FieldChange } from "../../bindings";
import { type ExactJson, type ExactObject, isObject, memberName, parseExact, printExact } from "./exactJson";

/**
 * The changes one value at a time: an object that changed in one place shows that place
 * ("config.threshold") instead of the whole of both sides.
 */
export function leafChanges(changes: readonly FieldChange[]): FieldChange[] {
  return changes.flatMap((change) => {
    const before = change.before === null ? undefined : parseExact(change.before);
    const after = change.after === null ? undefined : parseExact(change.after);
    if (!isObject(before) || !isObject(after)) return [change];
    const leaves = differences(change.field, before, after);
    return leaves.length > 0 ? leaves : [change];
  });
}

function differences(path: string, before: ExactObject, after: ExactObject): FieldChange[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => {
    const field = `${path}.${memberName(name)}`;
    const [old, current] = [before[name], after[name]];
    if (isObject(old) && isObject(current)) return differences(field, old, current);
    const change = { field, before: printed(old), after: printed(current) };
    return change.before === change.after ? [] : [change];
  });
}

function printed(value: ExactJson | undefined): string | null {
  return value === undefined ? null : printExact(value);
}

/** One side of a change as lines to read. */
export function indented(json: string): string {
  const value = parseExact(json);
  return value === undefined ? json : printExact(value);
}

/** One side of a change within a sentence: a text loses its quotes where nothing else could be meant. */
export function inline(json: string | null): string {
  if (json === null) return "nothing";
  const value = parseExact(json);
  if (typeof value !== "string" || !value.startsWith("s")) return json;
  const text = value.slice(1);
  const ambiguous = text.trim() === "" || text === "nothing" || parseExact(text) !== undefined;
  return ambiguous ? json : text;
}

/** Whether both sides fit into a line beside the sentence. */
export function fitsInline(change: FieldChange): boolean {
  return [change.before, change.after].every(
    (side) => side === null || (side.length <= 44 && !/^\s*[[{]/.test(side)),
  );
}
