import type { ExtensionRow } from "../../api/extensions";
import { countRows, extensionTypes, healthStates, healthTerm } from "./extensionQuery";

/** What can follow in the search box where the caret is. */
export type Completion = {
  /** What stands in place of the part that was typed. */
  insert: string;
  /** What it means, or how many extensions it finds. */
  detail: string | number;
};

/** The part of the text that completions replace, from and up to these places. */
export type Completions = { from: number; to: number; options: Completion[] };

const kinds = [
  { insert: "type:", detail: "where in the router it runs" },
  { insert: "is:", detail: "on or off" },
  { insert: "health:", detail: "how its calls went" },
  { insert: "subject:", detail: "a part of the subject" },
  { insert: "id:", detail: "a part of the id" },
  { insert: "by:", detail: "who changed it last" },
];

const shownActors = 8;

/** The kinds of terms, or the values of one, that begin as what stands before the caret. */
export function completionsAt(text: string, caret: number, rows: readonly ExtensionRow[]): Completions {
  const before = /\S*$/.exec(text.slice(0, caret))?.[0] ?? "";
  const after = /^\S*/.exec(text.slice(caret))?.[0] ?? "";
  const colon = before.indexOf(":");
  if (colon < 0) {
    const options =
      before === "" ? [] : kinds.filter(({ insert }) => insert.startsWith(before.toLowerCase()));
    return { from: caret - before.length, to: caret + after.length, options };
  }
  const typed = before.slice(Math.max(colon, before.lastIndexOf(",")) + 1).toLowerCase();
  const options = valuesOf(before.slice(0, colon).toLowerCase(), rows).filter(
    ({ insert }) => insert.startsWith(typed) && insert !== typed,
  );
  return { from: caret - typed.length, to: caret + (/^[^\s,]*/.exec(after)?.[0].length ?? 0), options };
}

/** The text once a completion is taken, and where the caret is then. */
export function completed(
  text: string,
  { from, to }: Completions,
  { insert }: Completion,
): { text: string; caret: number } {
  const rest = text.slice(to);
  // After a value comes the next term; after a kind its value.
  const gap = insert.endsWith(":") || rest.startsWith(" ") || rest.startsWith(",") ? "" : " ";
  const start = text.slice(0, from) + insert + gap;
  return { text: start + rest, caret: start.length };
}

function valuesOf(kind: string, rows: readonly ExtensionRow[]): Completion[] {
  switch (kind) {
    case "type": {
      const { types } = countRows(rows);
      return extensionTypes.map((type) => ({ insert: type, detail: types[type] }));
    }
    case "is": {
      const { on, off } = countRows(rows);
      return [
        { insert: "on", detail: on },
        { insert: "off", detail: off },
      ];
    }
    case "health": {
      const { health } = countRows(rows);
      return healthStates.map((state) => ({ insert: healthTerm(state), detail: health[state] }));
    }
    case "by":
      return actorsOf(rows);
    default:
      return [];
  }
}

/** Those who changed something last, the busiest first; a name with a space in it can't be a term. */
function actorsOf(rows: readonly ExtensionRow[]): Completion[] {
  const counts = new Map<string, number>();
  for (const { last_change } of rows) {
    const name = last_change?.changed_by?.toLowerCase() ?? "unknown";
    if (!/[\s,]/.test(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts]
    .sort(([one, ofOne], [other, ofOther]) => ofOther - ofOne || (one < other ? -1 : 1))
    .slice(0, shownActors)
    .map(([insert, detail]) => ({ insert, detail }));
}
