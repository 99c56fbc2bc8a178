import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { type ConnectionProfile, commands, type LogLevel } from "../bindings";
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

/** What the registry asks of those who change it from here. The commands hold to it; this is for saying so beforehand. */
export function useConnectionProfile(): ConnectionProfile {
  const profile = useQuery({
    queryKey: keys.application.profile(),
    queryFn: () => commands.connectionProfile(),
    staleTime: 60_000,
  });
  return profile.data ?? { production: false, reason_required: false };
}

export function useSetConnectionProfile() {
  return useMutation({
    mutationFn: (profile: ConnectionProfile) => unwrap(commands.setConnectionProfile(profile)),
    meta: { invalidates: [keys.application.all] },
  });
}

/** The reason of an undo that somebody takes from a notice: there is no field for one, and it explains itself. */
export function useUndoReason(): () => string | null {
  const client = useQueryClient();
  return useCallback(() => {
    const profile = client.getQueryData<ConnectionProfile>(keys.application.profile());
    return profile?.reason_required ? "Undone at once" : null;
  }, [client]);
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
