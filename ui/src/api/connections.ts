import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { useCallback, useContext, useState } from "react";
import {
  type ConnectionProfile,
  type ConnectionProfiles,
  commands,
  events,
  type ParsedConnectionUrl,
  type ProbeStep,
  type RemoteDatabase,
} from "../bindings";
import { forgetRegistry } from "../ui/registryStorage";
import { unwrap } from "./command";
import { embeddedProfile, MonitorContext, useDatabase } from "./database";
import { keys } from "./keys";

/** The profiles, and which is in use. */
export function useConnectionProfiles() {
  return useQuery({
    queryKey: keys.connections.list(),
    queryFn: () => commands.connectionProfiles(),
  });
}

/** The profile in use, with what it asks of those who change its registry. The commands hold to it as well. */
export function useConnectionProfile(): ConnectionProfile {
  return useDatabase().progress?.connection?.profile ?? embeddedProfile;
}

/** The reason of an undo that somebody takes from a notice: there is no field for one, and it explains itself. */
export function useUndoReason(): () => string | null {
  const monitor = useContext(MonitorContext);
  return useCallback(
    () => (monitor?.current()?.connection?.profile.is_reason_required ? "Undone at once" : null),
    [monitor],
  );
}

const afterProfiles = { invalidates: [keys.connections.list()] };

type SaveVariables = {
  profile: ConnectionProfile;
  /** Null leaves the one that is kept, an empty one is forgotten. */
  password: string | null;
  /** Whether the registry that is shown is opened anew by it. */
  opensAnew: boolean;
};

/** Keeps a profile. A password goes one way: what is kept is never read back to the page. */
export function useSaveConnection() {
  const { openAnew } = useDatabase();
  return useMutation({
    mutationFn: ({ profile, password, opensAnew }: SaveVariables) => {
      const save = () => unwrap(commands.saveConnectionProfile(profile, password));
      return opensAnew ? openAnew(profile.label, save) : save();
    },
    meta: afterProfiles,
    // A secret does not stay in memory longer than it takes to hand it over.
    gcTime: 0,
  });
}

/** Forgets a profile, with its password and what this window has kept about its registry. */
export function useRemoveConnection() {
  return useMutation({
    mutationFn: (id: string) => unwrap(commands.removeConnectionProfile(id)),
    onSuccess: (_profiles, id) => forgetRegistry(id),
    meta: afterProfiles,
  });
}

/** What is wrong with a profile as it is typed; of one that is not judged yet, what was wrong with the one before. */
export function useProfileProblems(profile: ConnectionProfile) {
  return useQuery({
    queryKey: keys.connections.check(profile),
    queryFn: () => commands.checkConnectionProfile(profile),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    placeholderData: keepPreviousData,
  });
}

/** Takes a URL apart. */
export function useParseUrl() {
  return useMutation<ParsedConnectionUrl, Error, string>({
    mutationFn: (url) => unwrap(commands.parseConnectionUrl(url)),
    // There may be a password in it.
    gcTime: 0,
  });
}

/** A database as a URL, without a password. */
export function connectionUrl(database: RemoteDatabase): Promise<string> {
  return commands.connectionUrl(database);
}

/** Tries a profile, and collects each step of any of its servers as it ends. */
export function useConnectionTest() {
  const [told, setTold] = useState<readonly ProbeStep[]>([]);
  const test = useMutation({
    mutationFn: async ({ profile, password }: { profile: ConnectionProfile; password: string | null }) => {
      setTold([]);
      const stop = await events.connectionTested.listen(({ payload }) =>
        setTold((steps) => [...steps, payload]),
      );
      try {
        return await unwrap(commands.testConnection(profile, password));
      } finally {
        stop();
      }
    },
    gcTime: 0,
  });
  return { test, told };
}

/** Uses another profile from now on; the page begins anew when it is there. */
export function useSwitchConnection() {
  const { openAnew } = useDatabase();
  return useMutation({
    mutationFn: ({ id, label }: ConnectionProfile) =>
      openAnew(label, () => unwrap(commands.switchConnection(id))),
    meta: { invalidates: [] },
  });
}

/** Opens the profile in use once more, after somebody has put right what was in the way. */
export function useOpenAgain() {
  return useMutation({
    mutationFn: ({ id }: ConnectionProfile) => unwrap(commands.switchConnection(id)),
    meta: { invalidates: [] },
  });
}

/** Answers that a password is needed. */
export function useGivePassword() {
  return useMutation({
    mutationFn: ({ password, isKept }: { password: string; isKept: boolean }) =>
      unwrap(commands.giveDatabasePassword(password, isKept)),
    meta: afterProfiles,
    gcTime: 0,
  });
}

/** Answers that a decision is needed: brings the database up to date. */
export function useMigrateDatabase() {
  return useMutation({ mutationFn: () => commands.migrateDatabase() });
}

/** Writes the profiles to a new file in the folder for downloads. */
export function useExportConnections() {
  return useMutation({
    mutationFn: () => unwrap(commands.exportConnectionProfiles()),
    meta: { invalidates: [] },
  });
}

/** Adds the profiles of a file. */
export function useImportConnections() {
  return useMutation<ConnectionProfiles, Error, File>({
    mutationFn: async (file) => unwrap(commands.importConnectionProfiles(await file.text())),
    meta: afterProfiles,
  });
}
