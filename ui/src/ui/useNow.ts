import { useSyncExternalStore } from "react";

/** Relative times change by the minute, so a tick in a quarter of that is never visibly late. */
const tickMs = 15_000;

let now = new Date();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function subscribe(listener: () => void) {
  if (listeners.size === 0) {
    timer = setInterval(tick, tickMs);
    // The clock stood still while nobody looked at it.
    tick();
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) clearInterval(timer);
  };
}

function tick() {
  now = new Date();
  for (const listener of listeners) listener();
}

/** The time now; one timer keeps every relative time in the window alive. */
export function useNow(): Date {
  return useSyncExternalStore(subscribe, () => now);
}
