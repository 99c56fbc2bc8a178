import type { QueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useSyncExternalStore } from "react";
import {
  type ConnectionProfile,
  commands,
  type DatabaseStatus,
  events,
  type OpenConnection,
  type StartStep,
} from "../bindings";
import { nameRegistry } from "../ui/registryStorage";
import { toErrorReport } from "./command";
import { useConnectionState } from "./connectionState";
import { page } from "./page";
import { readAgain } from "./readAgain";

export type DatabaseProgress = {
  status: DatabaseStatus;
  /** The steps of this start, oldest first; the last one is under way while the state is "starting". */
  steps: readonly StartStep[];
  /** Whether it was open before in the life of this window: what was read then is still there to be shown. */
  wasOpen: boolean;
  /** Since when it is away after it was open, in milliseconds since the epoch; null while it is not. */
  awaySince: number | null;
  /** The connection that is open, or was open last in the life of this window. */
  connection: OpenConnection | null;
  /** The label of the profile that is on its way to be used in place of that; null if none is. */
  switchingTo: string | null;
};

export type DatabaseMonitor = {
  /** Resolves when the first status is known. */
  answered: Promise<void>;
  current: () => DatabaseProgress | null;
  subscribe: (listener: () => void) => () => void;
  /** Asks the backend to open the database again; the outcome arrives as a status. */
  retry: () => Promise<void>;
  /**
   * Asks for something after which another registry is shown, or the same reached in another way: then the page begins
   * anew. Rejects as the request does, and nothing is expected any more. `label` is that of the profile.
   */
  openAnew: <T>(label: string, request: () => Promise<T>) => Promise<T>;
};

/** What is used until somebody chooses another one. */
export const embeddedProfile: ConnectionProfile = {
  id: "embedded",
  label: "Embedded database",
  colour: null,
  is_production: false,
  is_reason_required: false,
  database: { kind: "embedded" },
};

/** The profile that a status is about; null where it does not say. */
export function profileOf(status: DatabaseStatus): ConnectionProfile | null {
  if (status.state === "starting") return null;
  return status.state === "ready" ? status.connection.profile : status.profile;
}

/** The next progress, remembering the steps that have gone by. `now` is in milliseconds since the epoch. */
export function advance(
  previous: DatabaseProgress | null,
  status: DatabaseStatus,
  now: number,
  switchingTo: string | null = null,
): DatabaseProgress {
  const isOpen = status.state === "ready";
  const wasOpen = isOpen || (previous?.wasOpen ?? false);
  const awaySince = isOpen || !wasOpen ? null : (previous?.awaySince ?? now);
  const connection = isOpen ? status.connection : (previous?.connection ?? null);
  const rest = { status, wasOpen, awaySince, connection };
  if (status.state !== "starting") return { ...rest, steps: previous?.steps ?? [], switchingTo: null };
  const before = previous?.status.state === "starting" ? previous.steps : [];
  const steps = before.at(-1) === status.step ? before : [...before, status.step];
  return { ...rest, steps, switchingTo };
}

/** Follows the database's state from the moment of the call until the window closes. */
export function monitorDatabase(): DatabaseMonitor {
  let progress: DatabaseProgress | null = null;
  let eventCount = 0;
  /** The label of the profile that was asked for, until the status of what came of it. */
  let switchingTo: string | null = null;
  const listeners = new Set<() => void>();

  function publish(status: DatabaseStatus) {
    if (isOfAnother(status)) {
      // What was read, typed and opened here is of the other registry.
      page.beginAnew();
      return;
    }
    if (status.state !== "starting") switchingTo = null;
    if (status.state === "ready") nameRegistry(status.connection.profile.id);
    progress = advance(progress, status, Date.now(), switchingTo);
    for (const listener of listeners) listener();
  }

  /** Whether a registry was open in this page and the status is of another, or of the same reached anew by choice. */
  function isOfAnother(status: DatabaseStatus): boolean {
    const profile = profileOf(status);
    if (profile === null || !progress?.connection) return false;
    return switchingTo !== null || profile.id !== progress.connection.profile.id;
  }

  async function readStatus(isNews: (status: DatabaseStatus) => boolean = () => true) {
    const eventCountBefore = eventCount;
    const status = await commands.databaseStatus();
    // An event that overtook the answer is newer than the answer.
    if (eventCount === eventCountBefore && isNews(status)) publish(status);
  }

  function publishFailure(thrown: unknown) {
    const profile = progress?.connection?.profile ?? embeddedProfile;
    publish({ state: "failed", error: toErrorReport(thrown), profile });
  }

  async function follow() {
    await events.databaseStatusChanged.listen((event) => {
      eventCount += 1;
      publish(event.payload);
    });
    // Once more: a change may have fallen between the first question and the listening.
    await readStatus((status) => JSON.stringify(status) !== JSON.stringify(progress?.status));
  }
  const answered = readStatus().catch(publishFailure);
  follow().catch(publishFailure);

  return {
    answered,
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
    openAnew: async (label, request) => {
      switchingTo = label;
      try {
        return await request();
      } catch (thrown) {
        switchingTo = null;
        throw thrown;
      }
    },
  };
}

export const MonitorContext = createContext<DatabaseMonitor | null>(null);

export function DatabaseProvider({ monitor, children }: { monitor: DatabaseMonitor; children: ReactNode }) {
  return <MonitorContext value={monitor}>{children}</MonitorContext>;
}

/** The database's progress (null until the first answer), and the ways to try again and to open another one. */
export function useDatabase(): Pick<DatabaseMonitor, "retry" | "openAnew"> & {
  progress: DatabaseProgress | null;
} {
  const monitor = useContext(MonitorContext);
  if (!monitor) throw new Error("useDatabase needs a DatabaseProvider above it");
  return {
    progress: useSyncExternalStore(monitor.subscribe, monitor.current),
    retry: monitor.retry,
    openAnew: monitor.openAnew,
  };
}

/** Why nothing can be read or changed now, after the database was open; null while it is. */
export function useDatabaseAway(): string | null {
  const { progress } = useDatabase();
  const state = useConnectionState();
  if (progress !== null && progress.awaySince !== null) return databaseAway;
  return state?.is_connected === false ? serverAway : null;
}

const databaseAway = "The database is away. It works again when the database is back.";
const serverAway = "No server of the database can be used now. It works again when one is found.";

/** Reads again, as soon as the database is back, what may have changed meanwhile and what could not be read. */
export function refetchWhenDatabaseIsBack(client: QueryClient, database: DatabaseMonitor): void {
  let isAway = false;
  database.subscribe(() => {
    const wasAway = isAway;
    isAway = (database.current()?.awaySince ?? null) !== null;
    if (wasAway && !isAway) readAgain(client);
  });
}
