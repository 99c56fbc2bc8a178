import type { HealthAlarm, HealthTrouble } from "../bindings";
import { exactDuration, measuredDuration, scoreText } from "./figures";

/** What is wrong, after a name; `failing` alone is what a state below 90 % is called. */
export const troubleWords: Record<HealthTrouble, { now: string; over: string }> = {
  failing: { now: "fails too often", over: "no longer fails too often" },
  slow: { now: "is too slow", over: "is no longer too slow" },
  silent: { now: "is silent", over: "is no longer silent" },
};

/** A time in seconds: "45 s", "12 min", "3 h 20 min", "2 d". */
export function secondsText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} d`;
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}

/** The value of an alarm, with its unit and what it is of. */
export function valueText({ trouble, value }: Pick<HealthAlarm, "trouble" | "value">): string {
  switch (trouble) {
    case "failing":
      return `${scoreText(value)} succeed`;
    case "slow":
      return `p95 ${measuredDuration(value)}`;
    case "silent":
      return `not called for ${secondsText(value)}`;
  }
}

/** A limit, in the unit of its value. */
export function limitText(trouble: HealthTrouble, limit: number): string {
  switch (trouble) {
    case "failing":
      return `${limit} %`;
    case "slow":
      return exactDuration(limit);
    case "silent":
      return secondsText(limit);
  }
}
