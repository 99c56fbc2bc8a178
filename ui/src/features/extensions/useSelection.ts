import { useCallback, useMemo, useRef, useState } from "react";
import type { ExtensionRow } from "../../api/extensions";

/** How a row is chosen: one more or one less, or all from the one that was chosen last to this one. */
export type SelectHow = "toggle" | "range";

const nothing: ReadonlySet<string> = new Set();

/** Which of the rows that match are chosen; the choice outlives a change of the filter. */
export function useSelection(shown: readonly ExtensionRow[]) {
  const [selected, setSelected] = useState(nothing);
  const latest = useRef({ shown, selected });
  latest.current = { shown, selected };
  /** Where ranges begin, and what was chosen before the range: another end of it makes it longer or shorter. */
  const anchor = useRef<{ id: string; chosen: ReadonlySet<string> } | null>(null);

  const select = useCallback((index: number, how: SelectHow) => {
    const { shown: rows, selected: before } = latest.current;
    const row = rows[index];
    if (!row) return;
    const from = how === "range" ? rows.findIndex(({ id }) => id === anchor.current?.id) : -1;
    const after = new Set(from < 0 ? before : anchor.current?.chosen);
    if (from >= 0) {
      for (const { id } of rows.slice(Math.min(from, index), Math.max(from, index) + 1)) after.add(id);
    } else {
      if (!after.delete(row.id)) after.add(row.id);
      anchor.current = { id: row.id, chosen: after };
    }
    // Two keys may come between two paints.
    latest.current = { shown: rows, selected: after };
    setSelected(after);
  }, []);

  const replace = useCallback((chosen: ReadonlySet<string>) => {
    anchor.current = null;
    latest.current = { ...latest.current, selected: chosen };
    setSelected(chosen);
  }, []);
  const selectAll = useCallback(() => replace(new Set(latest.current.shown.map(({ id }) => id))), [replace]);
  const clear = useCallback(() => replace(nothing), [replace]);

  return useMemo(() => ({ selected, select, selectAll, clear }), [selected, select, selectAll, clear]);
}
