import type { ConsumerReport } from "../../bindings";
import { age, counted, groupedCount } from "../../ui/figures";

export type ConsumerState = "current" | "behind" | "silent" | "ahead";

/** A program reports every five seconds; after three that did not come it is not heard of any more. */
const silentAfterSeconds = 16;

export function consumerState(consumer: ConsumerReport): ConsumerState {
  if (consumer.seen_seconds_ago > silentAfterSeconds) return "silent";
  // It has applied what the registry no longer has: an older database was restored.
  if (consumer.behind_revisions < 0) return "ahead";
  return consumer.behind_revisions > 0 ? "behind" : "current";
}

/** "2 changes · 0.8 s", or nothing for a program that has applied all. */
export function behindText(consumer: ConsumerReport): string | null {
  if (consumer.behind_revisions === 0) return null;
  const revisions = counted(Math.abs(consumer.behind_revisions), "change");
  if (consumer.behind_revisions < 0) return `${revisions} ahead`;
  return consumer.behind_seconds === null
    ? revisions
    : `${revisions} · ${age(consumer.behind_seconds * 1_000)}`;
}

/** "2 of 3 programs at the newest revision, 1 behind". */
export function consumersSummary(consumers: readonly ConsumerReport[]): string {
  const count = (state: ConsumerState) =>
    consumers.filter((consumer) => consumerState(consumer) === state).length;
  const current = count("current");
  const groups = [
    { count: count("behind"), words: "behind" },
    { count: count("ahead"), words: "ahead of this registry" },
    { count: count("silent"), words: "not heard of" },
  ].filter((group) => group.count > 0);
  const all = counted(consumers.length, "program");
  if (groups.length === 0)
    return consumers.length === 1 ? `${all}, at the newest revision` : `All ${all} at the newest revision`;
  return [
    `${groupedCount(current)} of ${all} at the newest revision`,
    ...groups.map((group) => `${groupedCount(group.count)} ${group.words}`),
  ].join(", ");
}
