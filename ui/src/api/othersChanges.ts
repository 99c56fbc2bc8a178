import { useSyncExternalStore } from "react";

/** How long a row is marked that somebody else changed, in milliseconds. */
const markedMs = 5_000;

const marked = new Map<string, ReturnType<typeof setTimeout>>();
const listeners = new Set<() => void>();

function tell() {
  for (const listener of listeners) listener();
}

/** Marks extensions that somebody else has just changed, for a while. */
export function markChangedByOthers(ids: readonly string[]): void {
  if (ids.length === 0) return;
  for (const id of ids) {
    clearTimeout(marked.get(id));
    const timer = setTimeout(() => {
      marked.delete(id);
      tell();
    }, markedMs);
    marked.set(id, timer);
  }
  tell();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether somebody else has just changed the extension. */
export function useChangedByOthers(id: string): boolean {
  return useSyncExternalStore(subscribe, () => marked.has(id));
}
