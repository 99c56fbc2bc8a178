import type { FieldChange } from "../bindings";
import { type ExactJson, isObject, memberName, parseExact, printExact } from "./exactJson";

/** The JSON Pointer of a member of what is at `path`. */
export function pointer(path: string, key: string | number): string {
  return `${path}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** A mark stands for one hidden value, whatever is inside it. */
export function isMark(value: ExactJson): boolean {
  return isObject(value) && "s$redacted" in value;
}

/** The places at which two JSON texts differ, as the backend tells them; every digit counts. */
export function jsonChanges(path: string, before: string, after: string): FieldChange[] {
  const [old, current] = [parseExact(before), parseExact(after)];
  if (old === undefined || current === undefined) return before === after ? [] : [{ path, before, after }];
  return differences(path, old, current);
}

function differences(
  path: string,
  before: ExactJson | undefined,
  after: ExactJson | undefined,
): FieldChange[] {
  if (before !== undefined && after !== undefined) {
    if (isObject(before) && isObject(after) && !isMark(before) && !isMark(after)) {
      const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
      return names.flatMap((name) => differences(pointer(path, memberName(name)), before[name], after[name]));
    }
    if (Array.isArray(before) && Array.isArray(after)) {
      const length = Math.max(before.length, after.length);
      return Array.from({ length }, (_, place) => place).flatMap((place) =>
        differences(pointer(path, place), before[place], after[place]),
      );
    }
  }
  const [old, current] = [printed(before), printed(after)];
  return old === current ? [] : [{ path, before: old, after: current }];
}

function printed(value: ExactJson | undefined): string | null {
  return value === undefined ? null : printExact(value);
}

/** The JSON text with another value at a place; without a value the place is removed. */
export function withValueAt(json: string, path: readonly string[], value: string | null): string {
  const root = parseExact(json);
  if (root === undefined) return json;
  const replacement = value === null ? undefined : parseExact(value);
  return printExact(replaced(root, path, replacement) ?? root);
}

function replaced(
  value: ExactJson | undefined,
  path: readonly string[],
  replacement: ExactJson | undefined,
): ExactJson | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return replacement;
  if (Array.isArray(value)) {
    const items = [...value];
    const item = replaced(items[Number(key)], rest, replacement);
    if (item === undefined) items.splice(Number(key), 1);
    else items[Number(key)] = item;
    return items;
  }
  const members = isObject(value) ? { ...value } : {};
  const member = replaced(members[`s${key}`], rest, replacement);
  if (member === undefined) delete members[`s${key}`];
  else members[`s${key}`] = member;
  return members;
}

/** The JSON text at a place; null where there is nothing. */
export function jsonAt(json: string, path: readonly string[]): string | null {
  let value = parseExact(json);
  for (const key of path) {
    if (Array.isArray(value)) value = value[Number(key)];
    else value = isObject(value) ? value[`s${key}`] : undefined;
  }
  return printed(value);
}

/** The parts of a JSON Pointer (RFC 6901). */
export function pointerParts(path: string): string[] {
  return path
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}
