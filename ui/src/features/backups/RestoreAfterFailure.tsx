import { Button, Modal } from "@mantine/core";
import { useState } from "react";
import { chooseBackup, useBackupFile, useBackups } from "../../api/backups";
import { toErrorReport } from "../../api/command";
import type { BackupFile } from "../../bindings";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorNote } from "../../ui/ErrorNote";
import { ErrorState } from "../../ui/ErrorState";
import { byteSize, counted, groupedCount } from "../../ui/figures";
import { IconDatabase } from "../../ui/icons";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { Timestamp } from "../../ui/Timestamp";
import classes from "./Backups.module.css";
import { State } from "./BackupTable";
import { rowsOf, unusable } from "./backupWords";
import { RestoreDialog } from "./RestoreDialog";

/** Where the database can't be opened: a backup put in its place. It stays while the screen behind it changes. */
export function RestoreAfterFailure({ onClose }: { onClose: () => void }) {
  const daily = useBackups(null);
  const [path, setPath] = useState<string | null>(null);
  const chosen = useBackupFile(path);
  const [restoring, setRestoring] = useState<BackupFile | null>(null);
  if (restoring) return <RestoreDialog file={restoring} onClose={() => setRestoring(null)} />;

  return (
    <Modal opened onClose={onClose} title="Restore a backup" size={600}>
      <div className={classes.stack}>
        <p className={classes.text}>
          The database that can't be opened is kept, whatever is restored in its place.
        </p>
        {chosen.data && <Choices files={[chosen.data]} onChoose={setRestoring} />}
        {chosen.error && <ErrorNote error={toErrorReport(chosen.error)} />}
        {daily.data && daily.data.length > 0 ? (
          <Choices files={daily.data} onChoose={setRestoring} />
        ) : daily.data ? (
          <EmptyState icon={IconDatabase} title="No daily backups">
            Choose a file that ends in .beamline-backup.
          </EmptyState>
        ) : daily.error ? (
          <ErrorState
            tried="The daily backups could not be listed"
            error={toErrorReport(daily.error)}
            onRetry={() => void daily.refetch()}
          />
        ) : (
          <SkeletonRows label="Reading the backups" count={3} />
        )}
        <div className={classes.answers}>
          <Button
            size="xs"
            variant="default"
            onClick={() =>
              void chooseBackup()
                .then((file) => {
                  if (file !== null) setPath(file);
                })
                .catch(() => undefined)
            }
          >
            Choose a file…
          </Button>
          <Button size="xs" variant="default" onClick={onClose}>
            Close
          </Button>
        </div>
      </div>
    </Modal>
  );
}

type ChoicesProps = { files: readonly BackupFile[]; onChoose: (file: BackupFile) => void };

function Choices({ files, onChoose }: ChoicesProps) {
  return (
    <ul className={classes.kept} aria-label="Backups">
      {files.map((file) => {
        const reason = unusable(file);
        return (
          <li key={file.path} data-backup={file.name}>
            <span className={classes.keptWords}>
              {file.summary ? (
                <>
                  <Timestamp value={file.summary.made_at} format="full" /> · revision #
                  {groupedCount(file.summary.revision)} ·{" "}
                  {counted(rowsOf(file.summary, "extensions"), "extension")} · {byteSize(file.size_bytes)}
                </>
              ) : (
                file.name
              )}
              <br />
              {reason === null ? <State file={file} /> : reason}
            </span>
            <Button
              size="compact-xs"
              variant="default"
              disabled={reason !== null}
              onClick={() => onChoose(file)}
            >
              Restore…
            </Button>
          </li>
        );
      })}
    </ul>
  );
}
