import { useState } from "react";
import { registryKey } from "../../ui/registryStorage";
import { type ListView, readListView } from "./extensionSearch";

/** A way of looking at the list that somebody gave a name. */
export type SavedView = { name: string; view: ListView };

const storageKey = "extensions-saved-views";

/** The views that were saved on this computer, in the order of their names. */
export function useSavedViews() {
  const [views, setViews] = useState(readSavedViews);

  function write(next: SavedView[]) {
    const sorted = next.toSorted((a, b) => a.name.localeCompare(b.name));
    localStorage.setItem(registryKey(storageKey), JSON.stringify(sorted));
    setViews(sorted);
  }
  return {
    views,
    /** A view of the same name gives way to the new one. */
    save: (name: string, view: ListView) =>
      write([...views.filter((saved) => saved.name !== name), { name, view }]),
    remove: (name: string) => write(views.filter((saved) => saved.name !== name)),
  };
}

/** The views as they are kept. */
export function readSavedViews(): SavedView[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(registryKey(storageKey)) ?? "[]");
    return Array.isArray(stored) ? stored.flatMap(readView) : [];
  } catch {
    return [];
  }
}

function readView(stored: unknown): SavedView[] {
  if (typeof stored !== "object" || stored === null || !("name" in stored) || !("view" in stored)) return [];
  const { name, view } = stored;
  if (typeof name !== "string" || typeof view !== "object" || view === null) return [];
  return [{ name, view: readListView({ ...view }) }];
}
