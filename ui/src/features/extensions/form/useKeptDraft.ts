import { useEffect, useRef, useState } from "react";
import { type Draft, forgetDraft, keepDraft } from "./draft";

/** How long typing pauses before what was typed is kept. */
const pauseMs = 300;

type KeptDraft = {
  /** Keeps what is there now, without waiting for a pause; tells whether it is kept. */
  keepNow: () => boolean;
  /** Keeps nothing more, and forgets what was kept. */
  forget: () => void;
};

/**
 * Keeps a draft while somebody types: after each pause, and at once when the page goes away or out of sight.
 * Null is nothing to keep; without `secretNames` it is not known yet what may lie on the disk.
 */
export function useKeptDraft(
  key: string,
  draft: Omit<Draft, "keptAt"> | null,
  secretNames: readonly string[] | null,
): KeptDraft {
  const latest = useRef({ key, draft, secretNames, isKept: false, isOver: false });
  useEffect(() => {
    Object.assign(latest.current, { key, draft, secretNames });
  });
  const [kept] = useState<KeptDraft>(() => ({
    keepNow: () => {
      const { key, draft, secretNames, isOver } = latest.current;
      if (isOver || secretNames === null) return false;
      if (draft) {
        latest.current.isKept = keepDraft(key, { ...draft, keptAt: new Date().toISOString() }, secretNames);
      } else if (latest.current.isKept) {
        // It was typed back to what it was.
        forgetDraft(key);
        latest.current.isKept = false;
      }
      return latest.current.isKept;
    },
    forget: () => {
      latest.current.isOver = true;
      forgetDraft(latest.current.key);
    },
  }));

  // biome-ignore lint/correctness/useExhaustiveDependencies: what is kept is read when the pause is over
  useEffect(() => {
    const timer = setTimeout(kept.keepNow, pauseMs);
    return () => clearTimeout(timer);
  }, [kept, key, draft?.fields, draft?.seen, draft?.reason, draft?.reviewing, secretNames]);

  useEffect(() => {
    const keep = () => void kept.keepNow();
    window.addEventListener("pagehide", keep);
    document.addEventListener("visibilitychange", keep);
    return () => {
      window.removeEventListener("pagehide", keep);
      document.removeEventListener("visibilitychange", keep);
      kept.keepNow();
    };
  }, [kept]);
  return kept;
}
