import { keepPreviousData, useMutation, useQuery } from "@tanstack/react-query";
import { commands } from "../bindings";
import { refetchIntervalMs } from "./client";
import { unwrap } from "./command";
import { keys } from "./keys";

/** The counters of every extension, over all time. */
export function useHealth() {
  return useQuery({
    queryKey: keys.health.list(),
    queryFn: () => unwrap(commands.listHealth()),
    refetchInterval: refetchIntervalMs,
  });
}

/** How the calls of all extensions went in the last so many minutes. */
export function useHealthOverview(minutes: number) {
  return useQuery({
    queryKey: keys.health.overview(minutes),
    queryFn: () => {
      const until = Date.now();
      return unwrap(
        commands.healthOverview({
          from: new Date(until - minutes * 60_000).toISOString(),
          until: new Date(until).toISOString(),
        }),
      );
    },
    refetchInterval: 2 * refetchIntervalMs,
    placeholderData: keepPreviousData,
  });
}

const afterSample = { invalidates: [keys.health.all] };

/** Fills an empty embedded registry with made-up calls. */
export function useFillWithSampleTraffic() {
  return useMutation({ mutationFn: () => unwrap(commands.fillWithSampleTraffic()), meta: afterSample });
}

/** Takes the made-up calls away. */
export function useRemoveSampleTraffic() {
  return useMutation({ mutationFn: () => unwrap(commands.removeSampleTraffic()), meta: afterSample });
}
