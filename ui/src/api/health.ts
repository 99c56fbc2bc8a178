import { useQuery } from "@tanstack/react-query";
import { commands } from "../bindings";
import { refetchIntervalMs } from "./client";
import { unwrap } from "./command";
import { keys } from "./keys";

export function useHealth() {
  return useQuery({
    queryKey: keys.health.list(),
    queryFn: () => unwrap(commands.listHealth()),
    refetchInterval: refetchIntervalMs,
  });
}
