import { type QueryClient, type QueryKey, queryOptions, useMutation, useQuery } from "@tanstack/react-query";
import { commands, events } from "../bindings";
import { refetchIntervalMs } from "./client";
import { unwrap } from "./command";
import { type ChangedIds, inTurn } from "./inTurn";
import { keys } from "./keys";
import { followExtensions } from "./liveExtensions";

/** Every second while the age is shown; as long as all is well it isn't, and the revision is told by itself. */
const statsIntervalMs = 1_000;
const freshStatsIntervalMs = 5_000;
/** On the page that shows them; what only counts them reads them as seldom as a list. */
export const watchedConsumersIntervalMs = 2_000;

const statsQuery = queryOptions({
  queryKey: keys.cache.stats(),
  queryFn: () => unwrap(commands.cacheStats()),
  refetchInterval: ({ state: { data } }) =>
    data?.state === "fresh" ? freshStatsIntervalMs : statsIntervalMs,
});

/** What the console's own cache says of itself. */
export function useCacheStats() {
  return useQuery(statsQuery);
}

/** How far what is shown can be trusted; how old it is where it is not fresh. */
export function useFreshness() {
  return useQuery({
    ...statsQuery,
    select: ({ state, revision, age_ms }) => ({ state, revision, age_ms: state === "fresh" ? null : age_ms }),
  });
}

/** The programs that use the registry, with what each has applied. */
export function useConsumers(intervalMs = refetchIntervalMs) {
  return useQuery({
    queryKey: keys.cache.consumers(),
    queryFn: () => unwrap(commands.listConsumers()),
    refetchInterval: intervalMs,
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
