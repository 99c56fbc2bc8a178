import { dateFormatter } from "./locale";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** The instant that an RFC 3339 text names, or null when it names none. */
export function parseInstant(text: string | null): Date | null {
  if (text === null) return null;
  const instant = new Date(text);
  return Number.isNaN(instant.getTime()) ? null : instant;
}

/** The instant of a local time such as "2026-11-23 14:05:12". */
export function localInstant(text: string): Date {
  return new Date(text.replace(" ", "T"));
}

/** How long ago, in words; a date once that says more than a count of days. */
export function relativeTime(instant: Date, now: Date): string {
  const elapsedMs = now.getTime() - instant.getTime();
  // Another machine's clock may run a little ahead of ours.
  if (Math.abs(elapsedMs) < 45_000) return "just now";
  if (elapsedMs < 0) return shownDateTime(instant);
  if (elapsedMs < hourMs) return `${Math.max(1, Math.floor(elapsedMs / minuteMs))} min ago`;
  if (elapsedMs < dayMs) return `${Math.floor(elapsedMs / hourMs)} h ago`;
  if (elapsedMs < 7 * dayMs) return `${Math.floor(elapsedMs / dayMs)} d ago`;
  return shownDate(instant);
}

/** "2026-11-23" in the window's time zone. */
export function localDate(instant: Date): string {
  return [instant.getFullYear(), padded(instant.getMonth() + 1), padded(instant.getDate())].join("-");
}

/** "14:05:12" in the window's time zone. */
export function localClock(instant: Date): string {
  return [instant.getHours(), instant.getMinutes(), instant.getSeconds()].map(padded).join(":");
}

/** "2026-11-23 14:05:12" in the window's time zone. */
export function localDateTime(instant: Date): string {
  return `${localDate(instant)} ${localClock(instant)}`;
}

const day = { year: "numeric", month: "2-digit", day: "2-digit" } as const;
const minute = { hour: "2-digit", minute: "2-digit" } as const;
const second = { ...minute, second: "2-digit" } as const;

/** "2026-11-23", or as the user's locale has it; to be read, and not by a program. So are the following. */
export function shownDate(instant: Date): string {
  return dateFormatter(day)?.format(instant) ?? localDate(instant);
}

/** "11-23": a day of a year that goes without saying. */
export function shownDayOfYear(instant: Date): string {
  return dateFormatter({ month: "2-digit", day: "2-digit" })?.format(instant) ?? localDate(instant).slice(5);
}

/** "14:05:12". */
export function shownClock(instant: Date): string {
  return dateFormatter(second)?.format(instant) ?? localClock(instant);
}

/** "14:05". */
export function shownClockMinute(instant: Date): string {
  return dateFormatter(minute)?.format(instant) ?? localClock(instant).slice(0, 5);
}

/** "2026-11-23 14:05:12". */
export function shownDateTime(instant: Date): string {
  return dateFormatter({ ...day, ...second })?.format(instant) ?? localDateTime(instant);
}

/** "2026-11-23 14:05". */
export function shownMinute(instant: Date): string {
  return dateFormatter({ ...day, ...minute })?.format(instant) ?? localDateTime(instant).slice(0, 16);
}

/** "2026-11-23 14:05 to 14:10": the day is said again only where it is another one. */
export function shownSpan(from: Date, until: Date, joint: string): string {
  const isOneDay = localDate(from) === localDate(until);
  return `${shownMinute(from)} ${joint} ${isOneDay ? shownClockMinute(until) : shownMinute(until)}`;
}

const pickerParts: Record<string, string> = {
  year: "YYYY",
  month: "MM",
  day: "DD",
  minute: "mm",
  second: "ss",
  dayPeriod: "A",
};

/** What date pickers are told to write: "YYYY-MM-DD HH:mm:ss", or as the user's locale has it. */
export function pickerFormat({ withSeconds }: { withSeconds: boolean }): string {
  const formatter = dateFormatter({ ...day, ...(withSeconds ? second : minute) });
  if (formatter === null) return withSeconds ? "YYYY-MM-DD HH:mm:ss" : "YYYY-MM-DD HH:mm";
  const hour = formatter.resolvedOptions().hour12 ? "hh" : "HH";
  return formatter
    .formatToParts(new Date(0))
    .map(({ type, value }) => (type === "hour" ? hour : (pickerParts[type] ?? `[${value}]`)))
    .join("");
}

/** "2026-11-23 13:05:12" in UTC: the form that everybody reads and programs take. */
export function utcDateTime(instant: Date): string {
  return instant.toISOString().slice(0, 19).replace("T", " ");
}

const longDay = new Intl.DateTimeFormat("en-GB", {
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
});

/** "Today", "Yesterday" or "Saturday 21 November 2026". */
export function dayName(instant: Date, now: Date): string {
  const day = localDate(instant);
  if (day === localDate(now)) return "Today";
  // Noon keeps clear of the hour that a change to summer time adds or takes.
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1, 12);
  if (day === localDate(yesterday)) return "Yesterday";
  return longDay.format(instant).replace(",", "");
}

function padded(part: number): string {
  return String(part).padStart(2, "0");
}
