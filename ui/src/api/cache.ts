import { type QueryClient, type QueryKey, useMutation, useQuery } from "@tanstack/react-query";
import { commands, events } from "../bindings";
import { unwrap } from "./command";
import { type ChangedIds, inTurn } from "./inTurn";
import { keys } from "./keys";
import { followExtensions } from "./liveExtensions";

/** The age is shown in tenths of a second up to ten of them; a tick a second keeps it true. */
const statsIntervalMs = 1_000;
const consumersIntervalMs = 2_000;

/** How far the console's picture of the registry can be trusted, and how old it is. */
export function useCacheStats() {
  return useQuery({
    queryKey: keys.cache.stats(),
    queryFn: () => unwrap(commands.cacheStats()),
    refetchInterval: statsIntervalMs,
  });
}

/** The programs that use the registry, with what each has applied. */
export function useConsumers() {
  return useQuery({
    queryKey: keys.cache.consumers(),
    queryFn: () => unwrap(commands.listConsumers()),
    refetchInterval: consumersIntervalMs,
  });
}

export function useReloadCache() {
  return useMutation({
    mutationFn: () => unwrap(commands.reloadCache()),
    meta: { invalidates: [keys.cache.all, keys.extensions.all, keys.audit.all, keys.health.all] },
  });
}

export function useAcknowledgeDivergence() {
  return useMutation({
    mutationFn: () => unwrap(commands.acknowledgeDivergence()),
    meta: { invalidates: [keys.cache.all] },
  });
}

/** Reads again what is open whenever anybody changes the registry, from here or from elsewhere. */
export function followRegistry(client: QueryClient): void {
  const followers = [
    followExtensions(client),
    inTurn((ids) => client.invalidateQueries({ predicate: ({ queryKey }) => concerns(queryKey, ids) })),
    ...[keys.audit.all, keys.health.all, keys.cache.all].map((queryKey) =>
      inTurn(() => client.invalidateQueries({ queryKey })),
    ),
  ];
  events.registryChanged
    .listen(({ payload }) => {
      const ids = payload.extension_ids && new Set(payload.extension_ids);
      for (const follow of followers) follow(ids);
    })
    // The pages ask again by themselves, only later.
    .catch(() => undefined);
}

/** Whether what is kept below "extensions", besides the list, may be another once these have changed. */
function concerns([area, part, id]: QueryKey, ids: ChangedIds): boolean {
  if (area !== keys.extensions.all[0] || part === keys.extensions.list()[1]) return false;
  const isOfOne = part === keys.extensions.detail("")[1] || part === keys.extensions.document("")[1];
  return !isOfOne || ids === null || ids.has(String(id));
}
