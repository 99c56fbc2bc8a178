import { Button, Modal } from "@mantine/core";
import classes from "./ConnectionForm.module.css";

/** Asked before a registry is no longer protected. */
export function ProtectionQuestion({ onKeep, onEnd }: { onKeep: () => void; onEnd: () => void }) {
  return (
    <Modal opened onClose={onKeep} title="No longer protect it as production?" size={440}>
      <p className={classes.text}>
        From then on a switch off or a deletion in this registry is done at once, unless it takes the last
        enabled extension of a type or more than 20 together. It holds when the connection is saved.
      </p>
      <div className={classes.answers}>
        <Button size="xs" variant="default" data-autofocus onClick={onKeep}>
          Keep it protected
        </Button>
        <Button size="xs" color="var(--bad-strong)" onClick={onEnd}>
          Switch protection off
        </Button>
      </div>
    </Modal>
  );
}
