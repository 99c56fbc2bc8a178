import { Button, Modal } from "@mantine/core";
import { toErrorReport } from "../../api/command";
import { useRemoveConnection } from "../../api/connections";
import type { ConnectionProfile } from "../../bindings";
import { ErrorNote } from "../../ui/ErrorNote";
import { isolated } from "../../ui/isolated";
import { notifyDone } from "../../ui/notify";
import classes from "./Connections.module.css";

/** Asked before a connection is forgotten. */
export function RemoveQuestion({ profile, onClose }: { profile: ConnectionProfile; onClose: () => void }) {
  const remove = useRemoveConnection();
  const name = isolated(profile.label);
  return (
    <Modal opened onClose={onClose} title={`Remove ${name}?`} size={440}>
      <p className={classes.text}>
        This window forgets the connection, its password, and the drafts and views that it kept for it. The
        database and its registry stay as they are.
      </p>
      {remove.error && <ErrorNote error={toErrorReport(remove.error)} />}
      <div className={classes.answers}>
        <Button size="xs" variant="default" data-autofocus onClick={onClose}>
          Keep it
        </Button>
        <Button
          size="xs"
          color="var(--bad-strong)"
          loading={remove.isPending}
          onClick={() =>
            remove.mutate(profile.id, {
              onSuccess: () => {
                notifyDone(`Removed ${name}`);
                onClose();
              },
            })
          }
        >
          Remove {name}
        </Button>
      </div>
    </Modal>
  );
}
