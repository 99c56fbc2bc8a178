import { useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect } from "react";
import { useBackupFile } from "../../api/backups";
import { toErrorReport } from "../../api/command";
import type { BackupFile } from "../../bindings";
import { notifyFailure } from "../../ui/notify";
import { unusable } from "./backupWords";

/** Calls `open` with the backup that the page was opened for, once, or says why it can't be restored. */
export function useOpenedBackup(open: (file: BackupFile) => void): void {
  const navigate = useNavigate();
  // Not in the address: neither a link nor the next start opens a file.
  const path = useRouterState({ select: ({ location }) => location.state.backup ?? null });
  const { data, error } = useBackupFile(path);
  useEffect(() => {
    if (path === null || (!data && !error)) return;
    const reason = data ? unusable(data) : null;
    if (error) notifyFailure("Could not read the backup", toErrorReport(error));
    else if (reason !== null)
      notifyFailure("The backup can't be restored", {
        code: "backup_invalid",
        message: `${path}: ${reason}`,
        action: "Use another backup.",
        detail: null,
        field: null,
        facts: null,
      });
    else if (data) open(data);
    void navigate({ to: "/backups", replace: true });
  }, [path, data, error, open, navigate]);
}
