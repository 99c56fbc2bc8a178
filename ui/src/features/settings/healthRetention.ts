import type { HealthRetention } from "../../bindings";
import { counted } from "../../ui/figures";

/** As it is typed; empty days are for good. */
export type RetentionDraft = Record<keyof HealthRetention, number | "">;

const daysMax = 36_500;

export function retentionDraft(kept: HealthRetention): RetentionDraft {
  return { ...kept, days_kept_days: kept.days_kept_days ?? "" };
}

/** None while a field that needs a number has none. */
export function retentionOf(draft: RetentionDraft): HealthRetention | null {
  const { minutes_kept_days, hours_kept_days, days_kept_days } = draft;
  if (minutes_kept_days === "" || hours_kept_days === "") return null;
  return {
    minutes_kept_days,
    hours_kept_days,
    days_kept_days: days_kept_days === "" ? null : days_kept_days,
  };
}

/** What the database would refuse, at the field that is to be changed. */
export function retentionProblems(draft: RetentionDraft): Partial<Record<keyof HealthRetention, string>> {
  const { minutes_kept_days: minutes, hours_kept_days: hours, days_kept_days: days } = draft;
  const range = "1 to 36 500 days";
  const isOutside = (value: number | "") => value === "" || value < 1 || value > daysMax;
  if (isOutside(minutes)) return { minutes_kept_days: range };
  if (isOutside(hours)) return { hours_kept_days: range };
  if (Number(hours) < Number(minutes))
    return { hours_kept_days: `At least as long as minutes: ${counted(Number(minutes), "day")}` };
  if (days === "") return {};
  if (isOutside(days)) return { days_kept_days: range };
  if (days < Number(hours))
    return { days_kept_days: `At least as long as hours: ${counted(Number(hours), "day")}` };
  return {};
}
