import { type QueryClient, skipToken, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import {
  type BackupWork,
  commands,
  type DailyBackups,
  events,
  type MoveLogin,
  type SafetyTrouble,
  type WorkProgress,
} from "../bindings";
import { refetchIntervalMs } from "./client";
import { unwrap } from "./command";
import { keys } from "./keys";
import { keepTold } from "./told";

/** How safe the data of the embedded registry is. */
export function useBackupOverview() {
  return useQuery({
    queryKey: keys.backups.overview(),
    queryFn: () => unwrap(commands.backupOverview()),
    refetchInterval: refetchIntervalMs,
  });
}

/** The backups in a folder, newest first; null is that of the daily ones. */
export function useBackups(folder: string | null) {
  return useQuery({
    queryKey: keys.backups.files(folder),
    queryFn: () => unwrap(commands.listBackups(folder)),
    // Files come and go without a word, also while another window has the focus.
    staleTime: 0,
    refetchInterval: refetchIntervalMs,
    refetchIntervalInBackground: true,
  });
}

/** What one file says of itself; null asks nothing. */
export function useBackupFile(path: string | null) {
  return useQuery({
    queryKey: keys.backups.file(path ?? ""),
    queryFn: path === null ? skipToken : () => unwrap(commands.describeBackup(path)),
  });
}

/** How far the work is that is under way, whoever began it; null while there is none. */
export function useBackupWork(): WorkProgress | null {
  const client = useQueryClient();
  const { data: overview } = useBackupOverview();
  const told = useQuery<WorkProgress | null>({
    queryKey: keys.backups.work(),
    queryFn: skipToken,
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => {
    const listening = events.backupWorkProgressed.listen(({ payload }) => {
      keepTold(client, keys.backups.work(), payload);
      // Whoever did it: there may be another file now.
      if (payload === null) void client.invalidateQueries({ queryKey: keys.backups.all });
    });
    return () => {
      listening.then((stop) => stop()).catch(() => undefined);
    };
  }, [client]);
  return told.data === undefined ? (overview?.work ?? null) : told.data;
}

/** Whether work of this kind is under way. */
export function isWorkOf(work: WorkProgress | null, ...kinds: readonly BackupWork[]): boolean {
  return work !== null && kinds.includes(work.work);
}

export function useMakeBackup() {
  return useMutation({
    mutationFn: (folder: string | null) => unwrap(commands.makeBackup(folder)),
    meta: { invalidates: [keys.backups.all] },
  });
}

export function useVerifyBackup() {
  return useMutation({
    mutationFn: (path: string) => unwrap(commands.verifyBackup(path)),
    meta: { invalidates: [keys.backups.all] },
  });
}

export function useRestoreBackup() {
  return useMutation({
    mutationKey: keys.backups.restoring(),
    mutationFn: (path: string) => unwrap(commands.restoreBackup(path)),
    meta: { invalidates: [keys.backups.all] },
  });
}

export function useUpgradeDatabase() {
  return useMutation({
    mutationFn: () => unwrap(commands.upgradeDatabase()),
    meta: { invalidates: [keys.backups.all] },
  });
}

export function useDeleteKeptDatabase() {
  return useMutation({
    mutationFn: (path: string) => unwrap(commands.deleteKeptDatabase(path)),
    meta: { invalidates: [keys.backups.all] },
  });
}

export function useSetDailyBackups() {
  return useMutation({
    mutationFn: (settings: DailyBackups) => unwrap(commands.setDailyBackups(settings)),
    meta: { invalidates: [keys.backups.all] },
  });
}

/** Stops what is being done, where that is still possible: then nothing is changed. */
export function stopBackupWork(): void {
  commands.stopBackupWork().catch(() => undefined);
}

/** Lets somebody choose a folder; null if they don't. */
export function chooseFolder(title: string): Promise<string | null> {
  return commands.chooseFolder(title);
}

/** Lets somebody choose a backup; null if they don't. */
export function chooseBackup(): Promise<string | null> {
  return commands.chooseBackup();
}

export function showBackup(path: string): Promise<null> {
  return unwrap(commands.showBackup(path));
}

/** What is wrong with the safety of the data now. */
export function useSafetyTroubles(): readonly SafetyTrouble[] {
  const troubles = useQuery({
    queryKey: keys.backups.troubles(),
    queryFn: () => commands.safetyTroubles(),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return troubles.data ?? [];
}

/** Keeps what is wrong as it is told, and runs for each trouble that begins. */
export function followSafetyTroubles(client: QueryClient, run: (began: SafetyTrouble) => void): () => void {
  const listening = events.safetyTroublesChanged.listen(({ payload }) => {
    keepTold(client, keys.backups.troubles(), payload.troubles);
    void client.invalidateQueries({ queryKey: keys.backups.all });
    if (payload.began !== null) run(payload.began);
  });
  return () => {
    listening.then((stop) => stop()).catch(() => undefined);
  };
}

/** Runs when a notice of the desktop about backups is clicked. */
export function followOpenedBackupNotices(run: () => void): () => void {
  const listening = events.backupNoticeOpened.listen(run);
  return () => {
    listening.then((stop) => stop()).catch(() => undefined);
  };
}

/** Moves the registry. The password of the login goes with the call and is not kept. */
export function useMoveRegistry() {
  return useMutation({
    mutationFn: ({ profileId, login }: { profileId: string; login: MoveLogin | null }) =>
      unwrap(commands.moveRegistry(profileId, login)),
    meta: { invalidates: [keys.backups.all] },
    gcTime: 0,
  });
}
