import { useSyncExternalStore } from "react";
import type { ChosenFile } from "../../api/transfer";

/** Kept outside the page, so that a look at another page loses nothing. */
let chosen: ChosenFile | null = null;
let lastNumber = 0;
const listeners = new Set<() => void>();

function set(file: ChosenFile | null) {
  chosen = file;
  for (const listener of listeners) listener();
}

export async function chooseFile(file: File): Promise<void> {
  const text = await file.text();
  lastNumber += 1;
  set({ number: lastNumber, name: file.name, text });
}

export function forgetFile(): void {
  set(null);
}

export function useChosenFile(): ChosenFile | null {
  return useSyncExternalStore(subscribe, () => chosen);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
