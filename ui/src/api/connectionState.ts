import { type QueryClient, useMutation, useQuery } from "@tanstack/react-query";
import { type ConnectionState, commands, events } from "../bindings";
import { unwrap } from "./command";
import { keys } from "./keys";
import { readAgain } from "./readAgain";
import { keepTold } from "./told";

/** What the connection is at this moment; null for the embedded database. */
export function useConnectionState(): ConnectionState | null {
  return (
    useQuery({
      queryKey: keys.connections.state(),
      queryFn: () => commands.connectionState(),
      staleTime: Number.POSITIVE_INFINITY,
    }).data ?? null
  );
}

/** Keeps the state of the connection up to date, and reads again when another one was found. */
export function followConnectionState(client: QueryClient): void {
  events.connectionStateChanged
    .listen(({ payload }) => {
      const before = client.getQueryData<ConnectionState | null>(keys.connections.state());
      keepTold(client, keys.connections.state(), payload);
      if (before?.is_connected === false && payload.is_connected) readAgain(client);
    })
    // What was the state at first stays in sight.
    .catch(() => undefined);
}

/** Ends the alarm of lost changes. */
export function useAcknowledgeLostTail() {
  return useMutation({
    mutationFn: () => unwrap(commands.acknowledgeLostTail()),
    meta: { invalidates: [keys.connections.state(), keys.cache.all] },
  });
}
