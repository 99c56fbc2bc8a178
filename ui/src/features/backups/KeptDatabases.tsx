import { Button } from "@mantine/core";
import { useState } from "react";
import { useDeleteKeptDatabase } from "../../api/backups";
import { toErrorReport } from "../../api/command";
import type { KeptCluster } from "../../bindings";
import { mebibyteSize } from "../../ui/figures";
import { Identifier } from "../../ui/Identifier";
import { notifyDone } from "../../ui/notify";
import { Question } from "../../ui/Question";
import { Timestamp } from "../../ui/Timestamp";
import classes from "./Backups.module.css";
import { showInFolder } from "./BackupTable";

/** Databases that were replaced: what makes a restore one that can be taken back. */
export function KeptDatabases({ kept }: { kept: readonly KeptCluster[] }) {
  const [asked, setAsked] = useState<KeptCluster | null>(null);
  if (kept.length === 0)
    return (
      <p className={classes.hint}>None. A restore or an upgrade keeps the database that was there before.</p>
    );
  return (
    <>
      <ul className={classes.kept} aria-label="Databases that are kept">
        {kept.map((database) => (
          <li key={database.path}>
            <span className={classes.keptWords}>
              In use until <Timestamp value={replacedAt(database.path)} format="full" absent="not known" /> ·{" "}
              {mebibyteSize(database.size_mib)}
              <Identifier label="folder" value={database.path} />
            </span>
            <Button size="compact-xs" variant="default" onClick={() => showInFolder(database.path)}>
              Show
            </Button>
            <Button size="compact-xs" variant="subtle" c="var(--bad)" onClick={() => setAsked(database)}>
              Delete…
            </Button>
          </li>
        ))}
      </ul>
      {asked && <DeleteQuestion database={asked} onClose={() => setAsked(null)} />}
    </>
  );
}

function DeleteQuestion({ database, onClose }: { database: KeptCluster; onClose: () => void }) {
  const remove = useDeleteKeptDatabase();
  return (
    <Question
      title="Delete this database for good?"
      refusal="Keep it"
      verb={`Delete ${mebibyteSize(database.size_mib)}`}
      isBusy={remove.isPending}
      error={remove.error && toErrorReport(remove.error)}
      onRefuse={onClose}
      onConfirm={() =>
        remove.mutate(database.path, {
          onSuccess: () => {
            notifyDone("Deleted the database that was kept");
            onClose();
          },
        })
      }
    >
      It was in use until <Timestamp value={replacedAt(database.path)} format="full" absent="not known" />.
      What is in it and in no backup is lost; {mebibyteSize(database.size_mib)} become free. The registry in
      use is another one and stays.
    </Question>
  );
}

/** The folder's name says when it was put aside: `cluster-until-2026-11-26T110910Z`, maybe with a number. */
export function replacedAt(path: string): string | null {
  const found = /until-(\d{4}-\d\d-\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(path);
  return found && `${found[1]}T${found[2]}:${found[3]}:${found[4]}Z`;
}
