import { useBlocker } from "@tanstack/react-router";
import { useCallback, useMemo, useRef } from "react";
import { Connections } from "./Connections";
import classes from "./Connections.module.css";
import type { PageGuard } from "./form/useFormLeaving";

export function ConnectionsPage() {
  return (
    <div className={classes.page}>
      <Connections guard={usePageGuard()} />
    </div>
  );
}

/** Holds the way to another page while something is typed here that is not saved. */
function usePageGuard(): PageGuard {
  const isUnsaved = useRef(false);
  const setUnsaved = useCallback((unsaved: boolean) => {
    isUnsaved.current = unsaved;
  }, []);
  const shouldBlockFn = useCallback(() => isUnsaved.current, []);
  const { status, proceed, reset } = useBlocker({
    shouldBlockFn,
    enableBeforeUnload: false,
    withResolver: true,
  });
  return useMemo(
    () => ({ setUnsaved, waiting: status === "blocked" ? { go: proceed, stay: reset } : null }),
    [setUnsaved, status, proceed, reset],
  );
}
