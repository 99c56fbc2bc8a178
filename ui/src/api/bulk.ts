import { useEffect, useState } from "react";
import { type BulkProgress, commands, events } from "../bindings";

/** How far the change of several extensions with this request id is; null before it told. */
export function useBulkProgress(requestId: string): BulkProgress | null {
  const [progress, setProgress] = useState<BulkProgress | null>(null);
  useEffect(() => {
    const listening = events.bulkProgressed.listen(({ payload }) => {
      if (payload.request_id === requestId) setProgress(payload.progress);
    });
    return () => {
      listening.then((stop) => stop()).catch(() => undefined);
    };
  }, [requestId]);
  return progress;
}

/** Stops a change of several extensions, where it is not being sealed yet: then nothing is changed. */
export function stopChange(requestId: string): void {
  commands.stopChange(requestId).catch(() => undefined);
}
