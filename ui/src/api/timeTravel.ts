import { useQuery } from "@tanstack/react-query";
import { commands, type FieldChange, type Moment } from "../bindings";
import { unwrap } from "./command";
import { keys } from "./keys";

const dayMs = 86_400_000;

/** After all that has happened: a day ahead, so that no clock is behind the newest change. */
function present(): Moment {
  return { kind: "time", value: new Date(Date.now() + dayMs).toISOString() };
}

function instantOf(moment: Moment | "now"): Moment {
  return moment === "now" ? present() : moment;
}

/** What differs of one extension between two moments: nothing where it is the same or at neither of them. */
export function useExtensionDifference(extensionId: string, from: Moment | "now", to: Moment | "now") {
  return useQuery({
    queryKey: keys.audit.extensionDifference(extensionId, from, to),
    queryFn: async (): Promise<FieldChange[]> => {
      const all = await unwrap(commands.registryDifference(instantOf(from), instantOf(to)));
      return all.find((difference) => difference.extension_id === extensionId)?.changes ?? [];
    },
  });
}
