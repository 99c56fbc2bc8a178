import { useEffect, useRef } from "react";

/**
 * Keys in order, separated by a space ("g e", "/"), and what they do. The space bar is called "Space"; "Control+"
 * also stands for the command key, and "Shift+" for the shift of a key that has no capital.
 * What answers false has not used the key, which then does what it always does.
 */
export type Shortcuts = Record<string, () => unknown>;

/** Within this time the next key still belongs to the same sequence. */
const sequenceMs = 1_000;

/** Listens for keys in the whole window; while somebody is typing, for those alone that are no text. */
export function useShortcuts(shortcuts: Shortcuts): void {
  const current = useRef(shortcuts);
  useEffect(() => {
    current.current = shortcuts;
  });

  useEffect(() => {
    let pressed: { key: string; at: number } | null = null;

    function handleKey(event: KeyboardEvent) {
      if (event.altKey || event.defaultPrevented) return;
      const previous = pressed && event.timeStamp - pressed.at < sequenceMs ? pressed.key : null;
      const key = keyName(event);
      const isText = !key.startsWith("Control+");
      if ((isText && isTyping(event.target)) || isInDialog(event.target)) return;
      pressed = { key, at: event.timeStamp };
      const run = current.current[`${previous} ${key}`] ?? current.current[key];
      if (!run || run() === false) return;
      pressed = null;
      event.preventDefault();
    }

    window.addEventListener("keydown", handleKey);
    return () => window.removeEventListener("keydown", handleKey);
  }, []);
}

function keyName(event: KeyboardEvent): string {
  const control = event.ctrlKey || event.metaKey ? "Control+" : "";
  const shift = event.shiftKey && event.key.length > 1 ? "Shift+" : "";
  return control + shift + (event.key === " " ? "Space" : event.key);
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

/** A dialog has keys of its own; what lies under it stays as it is. */
function isInDialog(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("[role=dialog], [role=menu]") !== null;
}
