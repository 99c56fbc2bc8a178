import type { QueryClient, QueryKey } from "@tanstack/react-query";

/** Keeps what an event told. What is still being asked for would be an older answer, so that is given up. */
export function keepTold(client: QueryClient, queryKey: QueryKey, told: unknown): void {
  void client.cancelQueries({ queryKey });
  client.setQueryData(queryKey, told);
}
