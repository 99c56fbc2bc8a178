import { useEffect, useRef } from "react";
import { commands, events } from "../bindings";

/** What would take what is typed with it: the end of the program, or another registry in the window. */
export type Departure = { by: "quit" | "switch"; go: () => void };

/** The forms in which something is typed that is not saved, the newest last. */
let unsaved: readonly ((departure: Departure) => void)[] = [];

/**
 * While something is typed that is not saved, the program asks before it quits, and the window before it shows
 * another registry: `onAsked` is called, which shows the question. A program that gets no answer quits.
 */
export function useUnsaved(isUnsaved: boolean, onAsked: (departure: Departure) => void): void {
  const asked = useRef(onAsked);
  useEffect(() => {
    asked.current = onAsked;
  });
  useEffect(() => {
    if (!isUnsaved) return;
    const ask = (departure: Departure) => asked.current(departure);
    unsaved = [...unsaved, ask];
    const listening = events.quitAsked.listen(() => {
      commands.answerQuit("asking").catch(() => undefined);
      ask({ by: "quit", go: quitAnyway });
    });
    // Only when the question will be heard.
    listening.then(() => commands.reportUnsaved(true)).catch(() => undefined);
    return () => {
      unsaved = unsaved.filter((each) => each !== ask);
      listening
        .then(async (stop) => {
          await commands.reportUnsaved(false);
          return stop();
        })
        .catch(() => undefined);
    };
  }, [isUnsaved]);
}

/** Does what takes all that is typed with it; where something is not saved, its form asks first. */
export function leaveThen(go: () => void): void {
  const ask = unsaved.at(-1);
  if (ask) ask({ by: "switch", go });
  else go();
}

/** Quits, whatever is typed. */
function quitAnyway(): void {
  commands.answerQuit("quit").catch(() => undefined);
}
