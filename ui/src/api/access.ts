import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { commands, type Permissions } from "../bindings";
import { unwrap } from "./command";
import { useDatabase, useDatabaseAway } from "./database";
import { keys } from "./keys";

/** What the login may do. The database refuses the rest in any case; this is for saying so beforehand. */
export function usePermissions() {
  return useQuery({
    queryKey: keys.access.permissions(),
    queryFn: () => unwrap(commands.permissions()),
    staleTime: 60_000,
  });
}

/** Why something can't be done now: the login may not, nobody may, or the database is away. Null allows it. */
export type Allowed = {
  switching: string | null;
  editing: string | null;
  testing: string | null;
  limits: string | null;
};

const everything: Allowed = { switching: null, editing: null, testing: null, limits: null };

/** Until the answer is there nothing is held back: the database refuses what is not allowed in any case. */
export function useAllowed(): Allowed {
  const { data } = usePermissions();
  const away = useDatabaseAway();
  const readOnly = useDatabase().progress?.connection?.read_only_reason ?? null;
  return useMemo(() => {
    const reason = away ?? readOnly;
    if (reason !== null) return { switching: reason, editing: reason, testing: reason, limits: reason };
    return data ? reasons(data) : everything;
  }, [data, away, readOnly]);
}

function reasons({ login, can_switch, can_edit, can_test }: Permissions): Allowed {
  const lacks = (role: string, may: string) =>
    `The login ${login} may not ${may}: it needs the role ${role}.`;
  return {
    switching: can_switch ? null : lacks("registry_operator", "switch extensions"),
    editing: can_edit ? null : lacks("registry_editor", "change extensions"),
    testing: can_test ? null : lacks("registry_operator", "send messages to extensions"),
    limits: can_edit ? null : lacks("registry_editor", "change the settings of health"),
  };
}
