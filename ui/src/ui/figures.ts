import { numberFormatter } from "./locale";

/** A space that neither breaks the line nor looks like a gap between words. */
const thinSpace = "\u202f";

/** With so many decimals, as the user's locale writes them. */
export function decimal(amount: number, digits: number): string {
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false };
  return numberFormatter(options)?.format(amount) ?? amount.toFixed(digits);
}

/** With all of its decimals, of which a duration in milliseconds has three at most. */
function whole(amount: number): string {
  return numberFormatter({ maximumFractionDigits: 3, useGrouping: false })?.format(amount) ?? String(amount);
}

/** A configured duration, exactly: "200 ms", "1.5 s", "30 s", "5 min". */
export function exactDuration(durationMs: number): string {
  if (durationMs < 1_000) return `${durationMs} ms`;
  if (durationMs >= 120_000 && durationMs % 60_000 === 0) return `${durationMs / 60_000} min`;
  return `${whole(durationMs / 1_000)} s`;
}

/** A measured duration, to three digits at most: "4.2 ms", "142 ms", "1.24 s". */
export function measuredDuration(durationMs: number): string {
  if (durationMs < 9.95) return `${decimal(durationMs, 1)} ms`;
  if (durationMs < 999.5) return `${Math.round(durationMs)} ms`;
  return `${decimal(durationMs / 1_000, 2)} s`;
}

/** How old something is: "0.4 s", "12 s", "3 min", "5 h". */
export function age(ageMs: number): string {
  const seconds = ageMs / 1_000;
  if (seconds < 9.95) return `${decimal(seconds, 1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3_600)} h`;
}

/** A whole number in groups of three: "1 204", or as the user's locale groups them. */
export function groupedCount(count: number): string {
  return (
    numberFormatter({ useGrouping: true })?.format(count) ??
    String(count).replace(/\B(?=(\d{3})+$)/g, thinSpace)
  );
}

/** "1 extension", "6 extensions"; "1 entry", "6 entries" where the plural is given. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${groupedCount(count)} ${count === 1 ? noun : plural}`;
}

/** One decimal, rounded down, so that 99.97 never reads as a flawless 100.0. */
export function scoreText(scorePercent: number): string {
  return `${decimal(Math.floor(Number((scorePercent * 10).toFixed(6))) / 10, 1)} %`;
}

/** How much room something takes: "812 B", "4.2 KiB", "38 MiB", "1.5 GiB". */
export function byteSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1_023.5 && unit < units.length - 1) {
    size /= 1_024;
    unit += 1;
  }
  return `${unit > 0 && size < 9.95 ? decimal(size, 1) : Math.round(size)} ${units[unit]}`;
}

/** The same of mebibytes, which is as exactly as disks are measured. */
export function mebibyteSize(mebibytes: number): string {
  return byteSize(mebibytes * 1_048_576);
}
