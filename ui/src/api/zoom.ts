import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { commands } from "../bindings";
import { unwrap } from "./command";
import { keys } from "./keys";
import { keepTold } from "./told";

/** As browsers offer them. */
const steps = [50, 67, 80, 90, 100, 110, 125, 150, 175, 200, 250, 300] as const;

/** How large everything in the window is, and the ways to change it; kept over restarts. */
export function useZoom() {
  const client = useQueryClient();
  const { data: percent = 100 } = useQuery({
    queryKey: keys.application.zoom(),
    queryFn: () => commands.zoomPercent(),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const change = useMutation({
    mutationFn: (percent: number) => {
      // At once: the next press of the key goes on from here.
      keepTold(client, keys.application.zoom(), percent);
      return unwrap(commands.setZoomPercent(percent));
    },
    onError: () => client.invalidateQueries({ queryKey: keys.application.zoom() }),
  });
  const larger = steps.find((step) => step > percent);
  const smaller = steps.findLast((step) => step < percent);
  return {
    percent,
    larger: larger === undefined ? null : () => change.mutate(larger),
    smaller: smaller === undefined ? null : () => change.mutate(smaller),
    reset: () => change.mutate(100),
  };
}
