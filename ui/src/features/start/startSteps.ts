import type { StartStep } from "../../bindings";

/** Each step in words: while it is under way, and once it is done. */
export const startStepWords: Record<StartStep, { doing: string; done: string }> = {
  replacing: {
    doing: "Putting another database in its place…",
    done: "Put another database in its place",
  },
  finding_server: { doing: "Looking for PostgreSQL…", done: "Found PostgreSQL" },
  waiting_for_previous_server: {
    doing: "Waiting for the previous server to stop…",
    done: "The previous server has stopped",
  },
  copying_server: { doing: "Unpacking PostgreSQL…", done: "Unpacked PostgreSQL" },
  creating_database: { doing: "Creating the database…", done: "Created the database" },
  starting_server: { doing: "Starting PostgreSQL…", done: "Started PostgreSQL" },
  recovering: {
    doing: "Recovering after an unclean stop…",
    done: "Recovered after an unclean stop",
  },
  connecting: { doing: "Connecting…", done: "Connected" },
  migrating: { doing: "Applying migrations…", done: "Applied migrations" },
};
