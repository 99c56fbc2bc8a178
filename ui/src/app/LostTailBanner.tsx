import { Button, Modal } from "@mantine/core";
import { useState } from "react";
import { toErrorReport } from "../api/command";
import { useAcknowledgeLostTail, useConnectionState } from "../api/connectionState";
import type { LostTail } from "../bindings";
import { ErrorNote } from "../ui/ErrorNote";
import { counted, groupedCount } from "../ui/figures";
import { IconAlertTriangle } from "../ui/icons";
import { Timestamp } from "../ui/Timestamp";
import { Banner } from "./Banner";
import classes from "./LostTailBanner.module.css";

/** Over everything while it is known that changes are gone and nobody has said that they know. */
export function LostTailBanner() {
  const tail = useConnectionState()?.lost_tail;
  const [isAsking, setIsAsking] = useState(false);
  if (!tail) return null;
  return (
    <Banner
      label="Changes were lost"
      icon={IconAlertTriangle}
      isBad
      title={`${counted(tail.lost_count, "change was", "changes were")} lost`}
      words={
        <>
          Revisions {range(tail)} were made and are not there any more: the database was at revision{" "}
          {groupedCount(tail.found_revision)} when it was found, <Timestamp value={tail.noticed_at} />. A
          standby was promoted that had not received them, or an older state was restored.
        </>
      }
    >
      <Button size="compact-xs" variant="default" onClick={() => setIsAsking(true)}>
        Acknowledge…
      </Button>
      {isAsking && <Question tail={tail} onClose={() => setIsAsking(false)} />}
    </Banner>
  );
}

/** "1 202 to 1 204", or "1 204" where it is one. */
function range({ common_revision, known_revision }: LostTail): string {
  const first = common_revision + 1;
  const last = groupedCount(known_revision);
  return first >= known_revision ? last : `${groupedCount(first)} to ${last}`;
}

function Question({ tail, onClose }: { tail: LostTail; onClose: () => void }) {
  const acknowledge = useAcknowledgeLostTail();
  const changes = counted(tail.lost_count, "lost change");
  return (
    <Modal opened onClose={onClose} title={`Acknowledge ${changes}?`} size={460}>
      <p className={classes.text}>
        The alarm ends for this window and is not raised again for them. It brings nothing back: what was
        changed in revisions {range(tail)} has to be made again, or brought over from the server that had it.
      </p>
      {acknowledge.error && <ErrorNote error={toErrorReport(acknowledge.error)} />}
      <div className={classes.answers}>
        <Button size="xs" variant="default" data-autofocus onClick={onClose}>
          Keep the alarm
        </Button>
        <Button
          size="xs"
          color="var(--bad-strong)"
          loading={acknowledge.isPending}
          onClick={() => acknowledge.mutate(undefined, { onSuccess: onClose })}
        >
          Acknowledge {changes}
        </Button>
      </div>
    </Modal>
  );
}
