import { Button } from "@mantine/core";
import { useState } from "react";
import { toErrorReport } from "../api/command";
import { useAcknowledgeLostTail, useConnectionState } from "../api/connectionState";
import type { LostTail } from "../bindings";
import { counted, groupedCount } from "../ui/figures";
import { IconAlertTriangle } from "../ui/icons";
import { Question } from "../ui/Question";
import { Timestamp } from "../ui/Timestamp";
import { Banner } from "./Banner";

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
      {isAsking && <AcknowledgeQuestion tail={tail} onClose={() => setIsAsking(false)} />}
    </Banner>
  );
}

/** "1 202 to 1 204", or "1 204" where it is one. */
function range({ common_revision, known_revision }: LostTail): string {
  const first = common_revision + 1;
  const last = groupedCount(known_revision);
  return first >= known_revision ? last : `${groupedCount(first)} to ${last}`;
}

function AcknowledgeQuestion({ tail, onClose }: { tail: LostTail; onClose: () => void }) {
  const acknowledge = useAcknowledgeLostTail();
  const changes = counted(tail.lost_count, "lost change");
  return (
    <Question
      title={`Acknowledge ${changes}?`}
      refusal="Keep the alarm"
      verb={`Acknowledge ${changes}`}
      isBusy={acknowledge.isPending}
      error={acknowledge.error && toErrorReport(acknowledge.error)}
      onRefuse={onClose}
      onConfirm={() => acknowledge.mutate(undefined, { onSuccess: onClose })}
    >
      The alarm ends for this window and is not raised again for them. It brings nothing back: what was
      changed in revisions {range(tail)} has to be made again, or brought over from the server that had it.
    </Question>
  );
}
