import type { FieldChange } from "../bindings";
import { type ExactJson, isObject, memberName, parseExact, printExact } from "./exactJson";
import { isMark, pointer } from "./jsonChanges";

/** A line of a diff: what changed, or a value that both sides have. */
export type DiffRow =
  | { kind: "changed"; change: FieldChange }
  | { kind: "unchanged"; path: string; value: string };

/** Rows between two changes, folded or not as one. */
export type DiffRun =
  | { kind: "changed"; change: FieldChange }
  | { kind: "unchanged"; rows: { path: string; value: string }[] };

/**
 * The changes in the order of a version's fields, with what is unchanged in between. `fields` are all fields of
 * either version, each with its value as `after`.
 */
export function diffRuns(
  changes: readonly FieldChange[],
  fields: readonly FieldChange[] | undefined,
): DiffRun[] {
  if (fields === undefined) return changes.map((change) => ({ kind: "changed", change }));
  const runs: DiffRun[] = [];
  for (const row of diffRows(changes, fields)) {
    const last = runs.at(-1);
    if (row.kind === "changed") runs.push(row);
    else if (last?.kind === "unchanged") last.rows.push({ path: row.path, value: row.value });
    else runs.push({ kind: "unchanged", rows: [{ path: row.path, value: row.value }] });
  }
  return runs;
}

function diffRows(changes: readonly FieldChange[], fields: readonly FieldChange[]): DiffRow[] {
  const rows: DiffRow[] = [];
  const left = new Set(changes);
  function takeIf(belongs: (change: FieldChange) => boolean) {
    for (const change of changes) {
      if (!left.has(change) || !belongs(change)) continue;
      left.delete(change);
      rows.push({ kind: "changed", change });
    }
  }
  for (const field of fields) {
    for (const leaf of leaves(field.path, parseExact(field.after ?? "null") ?? null)) {
      const touches = ({ path }: FieldChange) => isWithin(leaf.path, path) || isWithin(path, leaf.path);
      if (changes.some(touches)) takeIf(touches);
      else rows.push({ kind: "unchanged", ...leaf });
    }
    // What is not in this version any more, or not yet.
    takeIf(({ path }) => isWithin(path, field.path));
  }
  takeIf(() => true);
  return rows;
}

function isWithin(path: string, place: string): boolean {
  return path === place || path.startsWith(`${place}/`);
}

function leaves(path: string, value: ExactJson): { path: string; value: string }[] {
  const members = Array.isArray(value)
    ? value.map((item, place) => [String(place), item] as const)
    : isObject(value) && !isMark(value)
      ? Object.entries(value).map(([name, member]) => [memberName(name), member] as const)
      : [];
  if (members.length === 0) return [{ path, value: printExact(value) }];
  return members.flatMap(([name, member]) => leaves(pointer(path, name), member));
}
