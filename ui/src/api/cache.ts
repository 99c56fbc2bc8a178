import { type QueryClient, useMutation, useQuery } from "@tanstack/react-query";
import { commands, events } from "../bindings";
import { unwrap } from "./command";
import { keys } from "./keys";

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
  events.registryChanged
    .listen(() => {
      for (const queryKey of [keys.extensions.all, keys.audit.all, keys.health.all, keys.cache.all]) {
        void client.invalidateQueries({ queryKey });
      }
    })
    // The pages ask again by themselves, only later.
    .catch(() => undefined);
}
