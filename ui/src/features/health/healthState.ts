import type { HealthReport, HealthSeverity } from "../../bindings";
import { counted } from "../../ui/figures";

/** From what must be looked at first to what nobody waits for, with the word for a number of them. */
const severityWords: Record<HealthSeverity, string> = {
  failing: "failing",
  slow: "slow",
  degraded: "degraded",
  silent: "silent",
  healthy: "healthy",
  no_data: "without data",
  off: "off",
};

export const severities = Object.keys(severityWords) as HealthSeverity[];

/** Lowest score first; what has no data comes last, because nothing is known to be wrong with it. */
export function worstFirst(reports: readonly HealthReport[]): HealthReport[] {
  return reports.toSorted(
    (a, b) =>
      Number(b.has_data) - Number(a.has_data) ||
      (a.has_data ? a.health_score_percent - b.health_score_percent : 0) ||
      a.extension_id.localeCompare(b.extension_id, "en"),
  );
}

type Judged = { state: HealthSeverity };

/** The page in one sentence, worst first: "1 of 6 extensions failing, 2 degraded, 3 healthy". */
export function healthSummary(reports: readonly Judged[]): string {
  const all = counted(reports.length, "extension");
  const groups = severities
    .map((severity) => ({ count: countIn(reports, severity), words: severityWords[severity] }))
    .filter(({ count }) => count > 0);
  const [first, ...others] = groups;
  if (!first) return "";
  if (others.length === 0)
    return reports.length === 1 ? `${all} ${first.words}` : `All ${all} ${first.words}`;
  return [
    `${first.count} of ${all} ${first.words}`,
    ...others.map(({ count, words }) => `${count} ${words}`),
  ].join(", ");
}

function countIn(reports: readonly Judged[], state: HealthSeverity): number {
  return reports.filter((report) => report.state === state).length;
}
