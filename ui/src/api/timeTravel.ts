import { skipToken, useQuery } from "@tanstack/react-query";
import { commands, type FieldChange, type Moment, type PastExtension } from "../bindings";
import { unwrap } from "./command";
import { keys } from "./keys";

/** How often what has changed since a moment is compared anew, in milliseconds: it reads the whole registry. */
const changedSinceIntervalMs = 15_000;

/** As it is now. */
export const now: Moment = { kind: "now" };

/** One extension at two moments, and what differs. Between two past moments that stays as it is. */
export function useExtensionComparison(extensionId: string, from: Moment, to: Moment, enabled = true) {
  const isPast = from.kind === "revision" && to.kind === "revision";
  return useQuery({
    queryKey: isPast
      ? keys.audit.comparedInThePast(extensionId, from, to)
      : keys.audit.comparedWithNow(extensionId, from, to),
    queryFn: () => unwrap(commands.compareExtension(extensionId, from, to)),
    ...(isPast && { staleTime: Number.POSITIVE_INFINITY }),
    enabled,
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

/** What differs between a moment and now. */
export function useChangedSince(moment: Moment | null) {
  return useQuery({
    queryKey: keys.audit.changedSince(moment),
    queryFn: moment ? () => unwrap(commands.registryDifference(moment, now)) : skipToken,
    refetchInterval: changedSinceIntervalMs,
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
