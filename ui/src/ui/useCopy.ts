import { useCallback, useEffect, useRef, useState } from "react";
import { copyText } from "./clipboard";

const copiedForMs = 1_500;

/** A copy action, and whether it has just been used. */
export function useCopy(): { copied: boolean; copy: (text: string) => void } {
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  const copy = useCallback((text: string) => {
    void copyText(text).then(() => {
      setCopied(true);
      clearTimeout(timer.current);
      timer.current = setTimeout(() => setCopied(false), copiedForMs);
    });
  }, []);
  return { copied, copy };
}
