import { Button, Modal } from "@mantine/core";
import { useState } from "react";
import { isWorkOf, useBackupWork, useUpgradeDatabase } from "../../api/backups";
import { toErrorReport } from "../../api/command";
import { useDatabase } from "../../api/database";
import { page } from "../../api/page";
import type { PendingUpgrade } from "../../bindings";
import { ErrorNote } from "../../ui/ErrorNote";
import { IconDatabase } from "../../ui/icons";
import { keepNotice } from "../../ui/notices";
import classes from "./Backups.module.css";
import { ReplacingSteps } from "./ReplacingSteps";

/** A newer PostgreSQL came with the program. */
export function UpgradeOffer({ upgrade }: { upgrade: PendingUpgrade }) {
  const [isAsking, setIsAsking] = useState(false);
  return (
    <section className={classes.note} aria-label="Upgrade of PostgreSQL">
      <IconDatabase size={16} aria-hidden />
      <p>
        <strong>PostgreSQL {upgrade.to_major} came with this program.</strong> The database is still one of
        version {upgrade.from_major}, and its server is an installed one.
      </p>
      <Button size="xs" onClick={() => setIsAsking(true)}>
        Upgrade…
      </Button>
      {isAsking && <UpgradeDialog upgrade={upgrade} onClose={() => setIsAsking(false)} />}
    </section>
  );
}

function UpgradeDialog({ upgrade, onClose }: { upgrade: PendingUpgrade; onClose: () => void }) {
  const make = useUpgradeDatabase();
  const work = useBackupWork();
  const status = useDatabase().progress?.status;
  const isOver = make.isSuccess || make.isError;
  const isBusy = make.isPending || (isOver && status?.state === "starting");
  const replaced = make.data ?? null;

  function leave() {
    if (isBusy) return;
    if (replaced === null) onClose();
    else page.beginAnew();
  }

  return (
    <Modal
      opened
      onClose={leave}
      withCloseButton={!isBusy}
      title={`Upgrade the database to PostgreSQL ${upgrade.to_major}`}
      size={520}
    >
      <div className={classes.stack}>
        {make.isIdle ? (
          <>
            <p className={classes.text}>
              Everything is read with PostgreSQL {upgrade.from_major}, written into a new database of version{" "}
              {upgrade.to_major} and compared. The old database is kept until you delete it. The registry is
              closed meanwhile; nothing in it changes.
            </p>
            <div className={classes.answers}>
              <Button size="xs" variant="default" onClick={onClose}>
                Not now
              </Button>
              <Button
                size="xs"
                data-autofocus
                onClick={() =>
                  make.mutate(undefined, {
                    onSuccess: (done) => {
                      if (done)
                        keepNotice({
                          kind: "done",
                          message: `The database is one of PostgreSQL ${upgrade.to_major} now. The one before is kept in ${done.kept ?? "no folder"}`,
                        });
                    },
                  })
                }
              >
                Upgrade
              </Button>
            </div>
          </>
        ) : (
          <>
            <ReplacingSteps
              isUpgrade
              work={isWorkOf(work, "upgrade") ? work : null}
              outcome={make.isPending ? "pending" : replaced !== null ? "done" : "undone"}
              status={status}
            />
            {make.error && <ErrorNote error={toErrorReport(make.error)} />}
            {isOver && replaced === null && (
              <p className={classes.text} role="status">
                Nothing was changed: the database is as it was.
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
