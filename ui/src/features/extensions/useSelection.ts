import { useCallback, useMemo, useRef, useState } from "react";
import type { ExtensionRow } from "../../api/extensions";

/** How a row is chosen: one more or one less, or all from the one that was chosen last to this one. */
export type SelectHow = "toggle" | "range";

const nothing: ReadonlySet<string> = new Set();

/** Which of the rows that match are chosen; the choice outlives a change of the filter. */
export function useSelection(shown: readonly ExtensionRow[]) {
  const [selected, setSelected] = useState(nothing);
  const anchor = useRef<string | null>(null);
  const current = useRef(shown);
  current.current = shown;

  const select = useCallback((index: number, how: SelectHow) => {
    const rows = current.current;
    const row = rows[index];
    if (!row) return;
    const from = rows.findIndex(({ id }) => id === anchor.current);
    setSelected((before) => {
      const after = new Set(before);
      if (how === "range" && from >= 0) {
        for (const { id } of rows.slice(Math.min(from, index), Math.max(from, index) + 1)) after.add(id);
      } else if (!after.delete(row.id)) {
        after.add(row.id);
      }
      return after;
    });
    if (how !== "range" || from < 0) anchor.current = row.id;
  }, []);

  const selectAll = useCallback(() => setSelected(new Set(current.current.map(({ id }) => id))), []);
  const clear = useCallback(() => setSelected(nothing), []);

  return useMemo(() => ({ selected, select, selectAll, clear }), [selected, select, selectAll, clear]);
}
