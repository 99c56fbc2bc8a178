import { useEffect, useRef } from "react";

/** Keys in order, separated by a space ("g e", "/"), and what they do. */
export type Shortcuts = Record<string, () => void>;

/** Within this time the next key still belongs to the same sequence. */
const sequenceMs = 1_000;

/** Listens for keys in the whole window, except while somebody is typing. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const current = useRef(shortcuts);
  useEffect(() => {
    current.current = shortcuts;
  });

  useEffect(() => {
    let pressed: { key: string; at: number } | null = null;

    function handleKey(event: KeyboardEvent) {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const previous = pressed && event.timeStamp - pressed.at < sequenceMs ? pressed.key : null;
      pressed = { key: event.key, at: event.timeStamp };
      const run = current.current[`${previous} ${event.key}`] ?? current.current[event.key];
      if (!run) return;
      pressed = null;
      event.preventDefault();
      run();
    }

    window.addEventListener("keydown", handleKey);
    return () => window.removeEventListener("keydown", handleKey);
  }, []);
}

const inputsWithoutText = new Set(["checkbox", "radio", "button", "submit", "reset"]);

function isTyping(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return !inputsWithoutText.has(target.type);
  return (
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLElement && target.isContentEditable)
  );
}
