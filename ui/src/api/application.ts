import { useMutation, useQuery } from "@tanstack/react-query";
import { commands, type LogLevel } from "../bindings";
import { unwrap } from "./command";
import { keys } from "./keys";

export function useApplicationInfo() {
  return useQuery({
    queryKey: keys.application.info(),
    queryFn: () => commands.applicationInfo(),
  });
}

export function useSetLogLevel() {
  return useMutation({
    mutationFn: (level: LogLevel) => unwrap(commands.setLogLevel(level)),
    meta: { invalidates: [keys.application.all] },
  });
}

export function openLogDirectory(): Promise<null> {
  return unwrap(commands.openLogDirectory());
}

let tableShownReported = false;

/**
 * Tells the backend, once in the life of the window, that the first table is on the screen.
 * The second animation frame begins after the first one has been painted.
 */
export function reportTableShown(): void {
  if (tableShownReported) return;
  tableShownReported = true;
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      // Only the start times in the log depend on it, so a failure is not worth a word to anyone.
      commands.reportTableShown().catch(() => undefined);
    }),
  );
}
