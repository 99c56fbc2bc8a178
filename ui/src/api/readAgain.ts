import type { QueryClient } from "@tanstack/react-query";
import { keys } from "./keys";

const readAnew: ReadonlySet<unknown> = new Set(
  [keys.extensions.all, keys.audit.all, keys.health.all, keys.cache.all, keys.access.all].flat(),
);

/** Reads again what may have changed while the database was away, and what could not be read. */
export function readAgain(client: QueryClient): void {
  void client.invalidateQueries({
    predicate: ({ queryKey, state }) => state.status === "error" || readAnew.has(queryKey[0]),
  });
}
