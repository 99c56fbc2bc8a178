import { useEffect, useRef } from "react";
import { useZoom } from "../api/zoom";

/** Changes the size of everything by the keys that browsers have for it: also in dialogs, while typing, and at the start. */
export function useZoomKeys(): void {
  const zoom = useZoom();
  const current = useRef(zoom);
  useEffect(() => {
    current.current = zoom;
  });

  useEffect(() => {
    function handleKey(event: KeyboardEvent) {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      const { larger, smaller, reset } = current.current;
      // A plus takes Shift on some keyboards and not on others; where it does, the key without it means the same.
      const ways: Record<string, (() => void) | null> = {
        "+": larger,
        "=": larger,
        "-": smaller,
        "0": reset,
      };
      if (!Object.hasOwn(ways, event.key)) return;
      event.preventDefault();
      ways[event.key]?.();
    }

    window.addEventListener("keydown", handleKey);
    return () => window.removeEventListener("keydown", handleKey);
  }, []);
}
