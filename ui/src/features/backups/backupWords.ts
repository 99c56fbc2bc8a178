import type { BackupFile, BackupSummary, BackupWork, SafetyTrouble, WorkStep } from "../../bindings";
import { asSentence } from "../../ui/failure";
import { mebibyteSize } from "../../ui/figures";

/** How many rows a table of a backup has. */
export function rowsOf(summary: BackupSummary, table: string): number {
  return summary.tables.find(({ name }) => name === table)?.row_count ?? 0;
}

export const workWords: Record<BackupWork, string> = {
  back_up: "Backing up",
  back_up_daily: "Making the daily backup",
  verify: "Verifying",
  restore: "Restoring",
  upgrade: "Upgrading PostgreSQL",
  move: "Moving the registry",
};

export const stepWords: Record<WorkStep, string> = {
  preparing: "preparing",
  writing: "reading the database",
  verifying: "verifying the file",
  restoring: "writing the new database",
  comparing: "comparing both",
  copying: "copying, while changes go on",
  locking: "waiting for changes under way",
  catching_up: "copying what changed since; changes wait",
  giving_over: "giving the registry over",
};

/** What a trouble is, and what to do about it. */
export function troubleText(trouble: SafetyTrouble): { title: string; text: string } {
  switch (trouble.kind) {
    case "low_disk":
      return {
        title: "The disk is filling up",
        text: `${mebibyteSize(trouble.value.available_mib)} are left on the disk of the registry's database. Free some, or a change may find no room: it would be refused and not be made.`,
      };
    case "backup_skipped":
      return {
        title: "No daily backup was made",
        text: `It needs ${mebibyteSize(trouble.value.needed_mib)}, and ${mebibyteSize(trouble.value.available_mib)} are free. Older backups were not deleted for it. Free some room, or choose a folder on another disk.`,
      };
    case "backup_failed":
      return {
        title: "The daily backup failed",
        text: `${asSentence(trouble.value.message)} ${trouble.value.action}`,
      };
  }
}

/** Why a backup can't be restored; null if it may be tried. */
export function unusable({ problem, verification }: BackupFile): string | null {
  const found = problem ?? verification?.problem ?? null;
  if (found) return asSentence(found.message);
  if (verification?.fault)
    return `The audit log in it is not whole: ${verification.fault.explanation} It is kept to be looked at.`;
  return null;
}

/** The folder that a file is in. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf("/")));
}
