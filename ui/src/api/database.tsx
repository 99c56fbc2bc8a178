import { createContext, type ReactNode, useContext, useSyncExternalStore } from "react";
import { commands, type DatabaseStatus, events, type StartStep } from "../bindings";
import { toErrorReport } from "./command";

export type DatabaseProgress = {
  status: DatabaseStatus;
  /** The steps of this start, oldest first; the last one is under way while the state is "starting". */
  steps: readonly StartStep[];
};

export type DatabaseMonitor = {
  current: () => DatabaseProgress | null;
  subscribe: (listener: () => void) => () => void;
  /** Asks the backend to start the database again; the outcome arrives as a status. */
  retry: () => Promise<void>;
};

/** The next progress, remembering the steps that have gone by. */
export function advance(previous: DatabaseProgress | null, status: DatabaseStatus): DatabaseProgress {
  if (status.state !== "starting") return { status, steps: previous?.steps ?? [] };
  const steps = previous?.status.state === "starting" ? previous.steps : [];
  return { status, steps: steps.at(-1) === status.step ? steps : [...steps, status.step] };
}

/** Follows the database's state from the moment of the call until the window closes. */
export function monitorDatabase(): DatabaseMonitor {
  let progress: DatabaseProgress | null = null;
  let eventCount = 0;
  const listeners = new Set<() => void>();

  function publish(status: DatabaseStatus) {
    progress = advance(progress, status);
    for (const listener of listeners) listener();
  }

  async function readStatus() {
    const eventCountBefore = eventCount;
    const status = await commands.databaseStatus();
    // An event that overtook the answer is newer than the answer.
    if (eventCount === eventCountBefore) publish(status);
  }

  function publishFailure(thrown: unknown) {
    publish({ state: "failed", error: toErrorReport(thrown) });
  }

  async function start() {
    // Interest is registered before the question, so that no change falls between the two.
    await events.databaseStatusChanged.listen((event) => {
      eventCount += 1;
      publish(event.payload);
    });
    await readStatus();
  }
  start().catch(publishFailure);

  return {
    current: () => progress,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    retry: async () => {
      try {
        await commands.retryDatabase();
        await readStatus();
      } catch (thrown) {
        publishFailure(thrown);
      }
    },
  };
}

const MonitorContext = createContext<DatabaseMonitor | null>(null);

export function DatabaseProvider({ monitor, children }: { monitor: DatabaseMonitor; children: ReactNode }) {
  return <MonitorContext value={monitor}>{children}</MonitorContext>;
}

/** The database's progress (null until the first answer) and the way to try again. */
export function useDatabase(): { progress: DatabaseProgress | null; retry: () => Promise<void> } {
  const monitor = useContext(MonitorContext);
  if (!monitor) throw new Error("useDatabase needs a DatabaseProvider above it");
  return { progress: useSyncExternalStore(monitor.subscribe, monitor.current), retry: monitor.retry };
}
