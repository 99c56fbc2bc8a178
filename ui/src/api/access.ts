import { useQuery } from "@tanstack/react-query";
import { commands } from "../bindings";
import { unwrap } from "./command";
import { keys } from "./keys";

/** What the login may do. The database refuses the rest in any case; this is for saying so beforehand. */
export function usePermissions() {
  return useQuery({
    queryKey: keys.access.permissions(),
    queryFn: () => unwrap(commands.permissions()),
    staleTime: 60_000,
  });
}
