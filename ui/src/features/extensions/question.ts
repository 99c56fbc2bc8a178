import { useSyncExternalStore } from "react";
import type { Answer } from "../../api/extensions";
import type { TrafficEffects } from "../../bindings";

/** What is asked before it is done, and a button that says the verb. */
export type Question = {
  title: string;
  ids: readonly string[];
  /** What becomes of those that are on; null if none of them goes out of service. */
  way: "off" | "deleted" | null;
  /** What it does to traffic, where a refusal has told it; otherwise it is what happens if all `ids` go out of service. */
  effects?: TrafficEffects;
  /** What there is to say besides the effects on traffic. */
  more?: string;
  verb: string;
  /** The button that does nothing. */
  refusal: string;
  /** Rejects if it was refused; the dialog then says why. */
  onConfirm: (answer: Answer) => Promise<void>;
};

let question: Question | null = null;
/** What had the focus when it was asked. */
let asker: Element | null = null;
const listeners = new Set<() => void>();

function put(next: Question | null) {
  question = next;
  for (const listener of listeners) listener();
}

/** Asks over whatever page is open. A newer question takes the place of one that was not answered. */
export function ask(next: Question): void {
  asker = document.activeElement;
  put(next);
}

/** Takes the question away; where one is named, only if it is still that one. */
export function endQuestion(ended: Question | null = question): void {
  if (question !== ended) return;
  put(null);
  const back = asker;
  // After the dialog has gone with its hold on the focus.
  setTimeout(() => {
    if (document.activeElement === document.body && back instanceof HTMLElement) back.focus();
  });
}

export function useQuestion(): Question | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => question,
  );
}
