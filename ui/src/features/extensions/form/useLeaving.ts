import { type ShouldBlockFn, useBlocker } from "@tanstack/react-router";
import { useCallback, useEffect, useRef, useState } from "react";
import { type Departure, useUnsaved } from "../../../api/leaving";

/** What would leave the form, and what was typed into it with it. */
export type Leaving = {
  /** By a button of the form, to another page, to another registry, or out of the program. */
  by: "close" | "page" | "switch" | "quit";
  go: () => void;
  stay: () => void;
};

type UseLeaving = {
  /** What is asked about; null if nothing is. */
  leaving: Leaving | null;
  /** Asks, if something would be lost, and closes otherwise. Where it asks already, it is a no: all stays. */
  close: () => void;
  /** From now on nothing is asked: it is saved, or given up. */
  letGo: () => void;
};

/** Asks before what was typed is lost, whichever way the form is left. */
export function useLeaving(isDirty: boolean, onClose: () => void): UseLeaving {
  const [asked, setAsked] = useState<Departure | "close" | null>(null);
  const isOver = useRef(false);
  const dirty = useRef(isDirty);
  useEffect(() => {
    dirty.current = isDirty;
  });
  useUnsaved(isDirty, setAsked);
  // One function for the life of the form: a question that is open hangs on it.
  const shouldBlockFn = useCallback<ShouldBlockFn>(({ current, next }) => {
    // The same form over another view of the page is no leaving.
    const isLeft = formOf(current.pathname, current.search) !== formOf(next.pathname, next.search);
    return isLeft && dirty.current && !isOver.current;
  }, []);
  const blocker = useBlocker({ shouldBlockFn, enableBeforeUnload: false, withResolver: true });

  const stay = () => setAsked(null);
  const leaving: Leaving | null =
    blocker.status === "blocked"
      ? { by: "page", go: blocker.proceed, stay: blocker.reset }
      : asked === "close"
        ? { by: "close", go: onClose, stay }
        : asked && { ...asked, stay };
  return {
    leaving,
    close: () => {
      if (leaving) leaving.stay();
      else if (isDirty) setAsked("close");
      else onClose();
    },
    letGo: () => {
      isOver.current = true;
    },
  };
}

/** Which form is open at an address. */
function formOf(pathname: string, search: unknown): string {
  const { form, open } = (search ?? {}) as { form?: unknown; open?: unknown };
  return JSON.stringify([pathname, form, open]);
}
