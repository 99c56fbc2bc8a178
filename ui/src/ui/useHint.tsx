import { Tooltip } from "@mantine/core";
import { type ReactNode, type RefObject, useEffect, useRef, useState } from "react";

/** As long as any other tooltip waits; theme.ts sets theirs. */
const delayMs = 350;

type Hint<Target extends HTMLElement> = {
  /** For the element that the hint belongs to. */
  target: {
    ref: RefObject<Target | null>;
    onMouseEnter: () => void;
    onMouseLeave: () => void;
    onFocus: () => void;
    onBlur: () => void;
  };
  /** To be put beside the element. */
  hint: ReactNode;
};

/**
 * A tooltip that is made when it is looked at: in a list of rows, ready-made ones cost more than all that is in
 * sight.
 */
export function useHint<Target extends HTMLElement>(label: ReactNode): Hint<Target> {
  const ref = useRef<Target>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const [shown, setShown] = useState(false);
  useEffect(() => () => clearTimeout(timer.current), []);

  function show() {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setShown(true), delayMs);
  }
  function hide() {
    clearTimeout(timer.current);
    setShown(false);
  }
  return {
    target: { ref, onMouseEnter: show, onMouseLeave: hide, onFocus: show, onBlur: hide },
    hint: shown && <Tooltip opened label={label} target={ref} />,
  };
}
