import { useEffect, useState } from "react";
import { type Departure, useUnsaved } from "../../../api/leaving";

/** The page that a form lies over, where there is one: it asks before it is left. */
export type PageGuard = {
  setUnsaved: (isUnsaved: boolean) => void;
  /** The way to another page that waits for an answer. */
  waiting: { go: () => void; stay: () => void } | null;
};

/** What would leave the form, and what was typed into it with it. */
export type FormLeaving = { by: "close" | "page" | Departure["by"]; go: () => void; stay: () => void };

/** Asks before what was typed is lost, whichever way the form is left. */
export function useFormLeaving(isDirty: boolean, guard: PageGuard | null, onClose: () => void) {
  const [asked, setAsked] = useState<Departure | "close" | null>(null);
  useUnsaved(isDirty, setAsked);
  const setUnsaved = guard?.setUnsaved;
  useEffect(() => {
    setUnsaved?.(isDirty);
    return () => setUnsaved?.(false);
  }, [isDirty, setUnsaved]);
  const stay = () => setAsked(null);
  const leaving: FormLeaving | null = guard?.waiting
    ? { by: "page", ...guard.waiting }
    : asked === "close"
      ? { by: "close", go: onClose, stay }
      : asked && { ...asked, stay };
  return {
    leaving,
    close: () => {
      // Where it asks already, Escape is a no: all stays.
      if (leaving) leaving.stay();
      else if (isDirty) setAsked("close");
      else onClose();
    },
  };
}
