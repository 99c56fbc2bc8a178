import { Button, Progress } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { stopChange, useBulkProgress } from "../../api/bulk";
import { groupedCount } from "../../ui/figures";
import classes from "./BulkProgressNote.module.css";

/** What takes no longer needs no word, in milliseconds. */
const silentMs = 1_000;

/** Says how far a change of several extensions is, with the way out of it, from when on it takes long. */
export async function withBulkProgress<T>(requestId: string, doing: string, change: Promise<T>): Promise<T> {
  const id = `bulk ${requestId}`;
  const timer = setTimeout(
    () =>
      notifications.show({
        id,
        autoClose: false,
        withCloseButton: false,
        loading: true,
        message: <BulkProgressNote requestId={requestId} doing={doing} />,
      }),
    silentMs,
  );
  try {
    return await change;
  } finally {
    clearTimeout(timer);
    notifications.hide(id);
  }
}

function BulkProgressNote({ requestId, doing }: { requestId: string; doing: string }) {
  const progress = useBulkProgress(requestId);
  const [isStopping, setIsStopping] = useState(false);
  const isSealing = progress !== null && progress.done_count >= progress.total;
  return (
    <div className={classes.note} role="status">
      <span>
        {doing}
        {progress && !isSealing && (
          <>
            {" "}
            {groupedCount(progress.done_count)} of {groupedCount(progress.total)}
          </>
        )}
        {isSealing && ": sealing the audit log"}
      </span>
      <Progress
        size="sm"
        value={progress ? (progress.done_count / progress.total) * 100 : 0}
        animated={isSealing}
        aria-label={doing}
      />
      <Button
        size="compact-xs"
        variant="default"
        disabled={isSealing || isStopping}
        onClick={() => {
          setIsStopping(true);
          stopChange(requestId);
        }}
      >
        {isStopping ? "Stopping" : "Cancel"}
      </Button>
    </div>
  );
}
