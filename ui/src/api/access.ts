import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { commands, type Permissions } from "../bindings";
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

/** Why the login may not do something; null allows it. */
export type Allowed = { switching: string | null; editing: string | null };

/** Until the answer is there nothing is held back: the database refuses what is not allowed in any case. */
export function useAllowed(): Allowed {
  const { data } = usePermissions();
  return useMemo(() => (data ? reasons(data) : { switching: null, editing: null }), [data]);
}

function reasons({ login, can_switch, can_edit }: Permissions): Allowed {
  const lacks = (role: string, may: string) =>
    `The login ${login} may not ${may}: it needs the role ${role}.`;
  return {
    switching: can_switch ? null : lacks("registry_operator", "switch extensions"),
    editing: can_edit ? null : lacks("registry_editor", "change extensions"),
  };
}
