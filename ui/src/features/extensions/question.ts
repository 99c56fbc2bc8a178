import { useSyncExternalStore } from "react";
import type { Answer } from "../../api/extensions";

/** What is asked before it is done, and a button that says the verb. */
export type Question = {
  title: string;
  ids: readonly string[];
  /** What becomes of those that are on; null if none of them goes out of service. */
  way: "off" | "deleted" | null;
  /** What there is to say besides the effects on traffic. */
  more?: string;
  verb: string;
  /** The button that does nothing. */
  refusal: string;
  /** Rejects if it was refused; the dialog then says why. */
  onConfirm: (answer: Answer) => Promise<void>;
};

let question: Question | null = null;
const listeners = new Set<() => void>();

function put(next: Question | null) {
  question = next;
  for (const listener of listeners) listener();
}

/** Asks over whatever page is open. A newer question takes the place of one that was not answered. */
export function ask(next: Question): void {
  put(next);
}

/** Takes the question away, if it is still this one. */
export function endQuestion(ended: Question): void {
  if (question === ended) put(null);
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
