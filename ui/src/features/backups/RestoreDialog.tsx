import { Button, Modal } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { isWorkOf, useBackupOverview, useBackupWork, useRestoreBackup } from "../../api/backups";
import { toErrorReport } from "../../api/command";
import { useDatabase } from "../../api/database";
import { page } from "../../api/page";
import type { BackupFile, BackupSummary, CurrentRegistry } from "../../bindings";
import { ErrorNote } from "../../ui/ErrorNote";
import { counted, groupedCount } from "../../ui/figures";
import { Identifier } from "../../ui/Identifier";
import { keepNotice } from "../../ui/notices";
import { Timestamp } from "../../ui/Timestamp";
import classes from "./Backups.module.css";
import { rowsOf } from "./backupWords";
import { ReplacingSteps } from "./ReplacingSteps";

type RestoreDialogProps = { file: BackupFile; onClose: () => void };

/** Asks in figures, restores step by step, and leaves with a window that knows nothing of the registry before. */
export function RestoreDialog({ file, onClose }: RestoreDialogProps) {
  const restore = useRestoreBackup();
  const work = useBackupWork();
  const status = useDatabase().progress?.status;
  const current = useBackupOverview().data?.current ?? null;
  // What the question was about; what is there afterwards is another one.
  const [asked, setAsked] = useState<CurrentRegistry | null>(null);
  const shown = restore.isIdle ? current : asked;
  const isOpen = status?.state === "ready";
  const isOver = restore.isSuccess || restore.isError;
  const isBackOpen = isOpen || status?.state === "failed";
  const replaced = restore.data ?? null;
  const isBusy = restore.isPending || (isOver && !isBackOpen);

  function leave() {
    if (isBusy) return;
    if (replaced === null) return onClose();
    page.beginAnew();
  }

  return (
    <Modal
      opened
      onClose={leave}
      withCloseButton={!isBusy}
      title={title(restore.isIdle, replaced !== null)}
      size={560}
    >
      <div className={classes.stack}>
        {file.summary && <Comparison now={shown} then={file.summary} isAsked={restore.isIdle} />}
        {restore.isIdle ? (
          <>
            {file.summary && <Consequences now={current} then={file.summary} />}
            <p className={classes.text}>
              The backup is verified first. The database that is there now is kept beside the new one until
              you delete it. The registry is closed meanwhile, and other programs lose it for that time.
            </p>
            <div className={classes.answers}>
              <Button size="xs" variant="default" data-autofocus onClick={onClose}>
                Keep what is there
              </Button>
              <Button
                size="xs"
                color="var(--bad-strong)"
                onClick={() => {
                  // An undo would be of changes that will not have been.
                  notifications.clean();
                  setAsked(current);
                  restore.mutate(file.path, {
                    onSuccess: (done) => {
                      if (done)
                        keepNotice({
                          kind: "done",
                          message: `Restored the backup ${file.name}: the registry is at revision ${groupedCount(done.backup.revision)}. The database before is kept in ${done.kept ?? "no folder"}`,
                        });
                    },
                  });
                }}
              >
                Restore
              </Button>
            </div>
          </>
        ) : (
          <>
            <ReplacingSteps
              work={isWorkOf(work, "restore") ? work : null}
              outcome={restore.isPending ? "pending" : replaced !== null ? "done" : "undone"}
              status={status}
            />
            {restore.error && <ErrorNote error={toErrorReport(restore.error)} />}
            {isOver && replaced === null && isOpen && (
              <p className={classes.text} role="status">
                {restore.error ? "" : "Stopped. "}Nothing was changed: the registry that was there is open
                again.
              </p>
            )}
            {replaced?.kept && (
              <p className={classes.text} role="status">
                The database that was there before is kept in{" "}
                <Identifier label="folder" value={replaced.kept} />
              </p>
            )}
            {isOver && (
              <div className={classes.answers}>
                <Button size="xs" loading={isBusy} onClick={leave}>
                  {replaced === null ? "Close" : "Show the registry"}
                </Button>
              </div>
            )}
          </>
        )}
      </div>
    </Modal>
  );
}

function title(isAsking: boolean, isDone: boolean): string {
  if (isAsking) return "Put this backup in the place of the registry?";
  return isDone ? "The backup is in place" : "Restoring the backup";
}

type ComparisonProps = { now: CurrentRegistry | null; then: BackupSummary; isAsked: boolean };

/** What is replaced by what. */
function Comparison({ now, then, isAsked }: ComparisonProps) {
  const unknown = <span className={classes.absent}>not open</span>;
  return (
    <table className={classes.comparison} aria-label="What is replaced by what">
      <thead>
        <tr>
          <td />
          <th scope="col">{isAsked ? "Now" : "Before"}</th>
          <th scope="col">In the backup</th>
        </tr>
      </thead>
      <tbody>
        <tr>
          <th scope="row">Of</th>
          <td>{isAsked ? "this moment" : "until the restore"}</td>
          <td>
            <Timestamp value={then.made_at} format="full" />
          </td>
        </tr>
        <tr>
          <th scope="row">Revision</th>
          <td>{now ? `#${groupedCount(now.revision)}` : unknown}</td>
          <td>#{groupedCount(then.revision)}</td>
        </tr>
        <tr>
          <th scope="row">Extensions</th>
          <td>{now ? groupedCount(now.extension_count) : unknown}</td>
          <td>{groupedCount(rowsOf(then, "extensions"))}</td>
        </tr>
        <tr>
          <th scope="row">Audit entries</th>
          <td>{now ? groupedCount(now.revision) : unknown}</td>
          <td>{groupedCount(rowsOf(then, "extension_audit_log"))}</td>
        </tr>
      </tbody>
    </table>
  );
}

/** What that means, in words. */
function Consequences({ now, then }: { now: CurrentRegistry | null; then: BackupSummary }) {
  if (now === null) return null;
  if (now.registry_id !== then.registry_id)
    return (
      <p className={classes.warning}>
        <strong>It is a backup of another registry.</strong> Nothing of the one that is there now will be in
        it.
      </p>
    );
  const lost = now.revision - then.revision;
  if (lost <= 0) return <p className={classes.text}>No change has been made since the backup.</p>;
  return (
    <p className={classes.warning}>
      <strong>{counted(lost, "newer change")}</strong> will not be in the registry any more, nor in its audit
      log.
    </p>
  );
}
