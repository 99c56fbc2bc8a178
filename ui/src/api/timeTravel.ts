import { skipToken, useQuery } from "@tanstack/react-query";
import { commands, type FieldChange, type Moment, type PastExtension } from "../bindings";
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

/** The registry as it was at a moment; nothing is asked without one. */
export function useRegistryAsOf(moment: Moment | null) {
  return useQuery({
    queryKey: keys.audit.asOf(moment),
    queryFn: moment ? () => unwrap(commands.registryAsOf(moment)) : skipToken,
    // What was at a revision stays so; a time may lie ahead.
    staleTime: moment?.kind === "revision" ? Number.POSITIVE_INFINITY : 0,
  });
}

/** What differs between a moment and now, read again when something changes. */
export function useChangedSince(moment: Moment | null) {
  return useQuery({
    queryKey: keys.audit.changedSince(moment),
    queryFn: moment ? () => unwrap(commands.registryDifference(moment, present())) : skipToken,
  });
}

/** All fields of an extension as the change of a revision left them; null if it left none. */
export function useExtensionFields(extensionId: string, revision: number) {
  return useQuery({
    queryKey: keys.audit.asOf({ kind: "revision", value: revision }),
    queryFn: () => unwrap(commands.registryAsOf({ kind: "revision", value: revision })),
    select: (past) => {
      const version = past.extensions.find((extension) => extension.id === extensionId);
      return version ? fieldsOf(version) : null;
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** The columns of a version as JSON, in the order in which they are read. */
export function fieldsOf(version: PastExtension): FieldChange[] {
  const columns: [string, string | null][] = [
    ["type", JSON.stringify(version.type)],
    ["subject", JSON.stringify(version.subject)],
    ["timeout_ms", String(version.timeout_ms)],
    ["retry", String(version.retry)],
    ["enabled", String(version.enabled)],
    ["config", version.config],
    ["metadata", version.metadata],
  ];
  return columns.map(([name, json]) => ({ path: `/${name}`, before: null, after: json ?? "null" }));
}
