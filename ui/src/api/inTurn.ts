/** The shortest time between two readings, in milliseconds: a stream of changes is read in this rhythm. */
const pauseMs = 250;

/** Extensions that changed; null if it may be any of them. */
export type ChangedIds = ReadonlySet<string> | null;

/**
 * Reads what changed, one reading after the other: what changes during one is collected and read by the next. No
 * reading is ever broken off for a newer one, so that changes that come faster than they are read hold nothing back;
 * and a pause twice as long as the reading keeps them from taking all the time that there is.
 */
export function inTurn(read: (ids: ChangedIds) => Promise<void>): (ids: ChangedIds) => void {
  let collected: Set<string> | null = new Set();
  let isRunning = false;

  async function run() {
    isRunning = true;
    while (collected === null || collected.size > 0) {
      const ids = collected;
      collected = new Set();
      const startedAt = performance.now();
      await read(ids);
      const tookMs = performance.now() - startedAt;
      await new Promise((resolve) => setTimeout(resolve, Math.max(pauseMs, 2 * tookMs)));
    }
    isRunning = false;
  }

  return (ids) => {
    if (ids === null) collected = null;
    else for (const id of ids) collected?.add(id);
    if (!isRunning) void run();
  };
}
