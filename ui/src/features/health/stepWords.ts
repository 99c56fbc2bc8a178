import { exactDuration } from "../../ui/figures";

/** How long a step is: "minute", "15 min", "hour", "6 hours", "day". */
export function stepWords(minutes: number): string {
  if (minutes === 1_440) return "day";
  if (minutes % 60 === 0) return minutes === 60 ? "hour" : `${minutes / 60} hours`;
  return minutes === 1 ? "minute" : exactDuration(minutes * 60_000);
}
