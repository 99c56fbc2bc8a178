import type { HealthLimits } from "../bindings";
import { exactDuration } from "./figures";
import { secondsText } from "./troubleWords";

/** Limits as they are typed; empty is none. Silences are minutes, which is how people think of them. */
export type LimitsDraft = { scorePercent: number | ""; p95Ms: number | ""; silentMinutes: number | "" };

const secondsPerMinute = 60;

export function limitsDraft(limits: HealthLimits): LimitsDraft {
  const { score_below_percent, p95_above_ms, silent_for_seconds } = limits;
  return {
    scorePercent: score_below_percent ?? "",
    p95Ms: p95_above_ms ?? "",
    silentMinutes:
      silent_for_seconds === null ? "" : Math.round((silent_for_seconds / secondsPerMinute) * 100) / 100,
  };
}

export function limitsOf({ scorePercent, p95Ms, silentMinutes }: LimitsDraft): HealthLimits {
  return {
    score_below_percent: scorePercent === "" ? null : scorePercent,
    p95_above_ms: p95Ms === "" ? null : p95Ms,
    silent_for_seconds: silentMinutes === "" ? null : Math.round(silentMinutes * secondsPerMinute),
  };
}

export function sameLimits(one: HealthLimits, other: HealthLimits): boolean {
  return (
    one.score_below_percent === other.score_below_percent &&
    one.p95_above_ms === other.p95_above_ms &&
    one.silent_for_seconds === other.silent_for_seconds
  );
}

/** What the database would refuse, by field, in the fields' own units. */
export function limitProblems(draft: LimitsDraft): Partial<Record<keyof HealthLimits, string>> {
  const { scorePercent, p95Ms, silentMinutes } = draft;
  const isOutside = (value: number | "", aboveOrAt: (value: number) => boolean, max: number) =>
    value !== "" && !(aboveOrAt(value) && value <= max);
  return {
    ...(isOutside(scorePercent, (value) => value > 0, 100) && {
      score_below_percent: "Above 0, at most 100 %",
    }),
    ...(isOutside(p95Ms, (value) => value > 0, 86_400_000) && { p95_above_ms: "Above 0 ms, at most a day" }),
    ...(isOutside(silentMinutes, (value) => value >= 1, 43_200) && {
      silent_for_seconds: "1 minute to 30 days",
    }),
  };
}

/** "score below 95 %, p95 above 250 ms, silent for 10 min"; "none" without any. */
export function limitsText(limits: HealthLimits): string {
  const { score_below_percent, p95_above_ms, silent_for_seconds } = limits;
  const parts = [
    score_below_percent !== null && `score below ${score_below_percent} %`,
    p95_above_ms !== null && `p95 above ${exactDuration(p95_above_ms)}`,
    silent_for_seconds !== null && `silent for ${secondsText(silent_for_seconds)}`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? "none" : parts.join(", ");
}
