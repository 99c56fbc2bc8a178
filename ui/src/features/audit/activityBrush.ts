import type { AuditActivity, BucketLength } from "../../bindings";
import { type Brush, brushed } from "../../ui/brush";

/** Where a bucket begins; the number of buckets is where the last one ends. */
export function bucketTime(activity: AuditActivity, index: number): Date {
  return new Date(activity.edges[index] ?? activity.edges.at(-1) ?? 0);
}

/** A range of time; undefined where it is open. */
export type TimeRange = { since: string | undefined; until: string | undefined };

/** The range of time of a selection. One that reaches to the end of what has no end goes on with what comes. */
export function brushRange(activity: AuditActivity, brush: Brush, hasEnd: boolean): TimeRange {
  const { first, last } = brushed(brush);
  const isOpen = !hasEnd && last === activity.counts.length - 1;
  return {
    since: bucketTime(activity, first).toISOString(),
    until: isOpen ? undefined : bucketTime(activity, last + 1).toISOString(),
  };
}

/** Zoomed out, this much of the time that is shown is in sight. */
const zoomFactor = 3;

/** A range around the one that is shown, up to now. */
export function widerRange(activity: AuditActivity, now: Date): TimeRange {
  const since = bucketTime(activity, 0).getTime();
  const until = bucketTime(activity, activity.counts.length).getTime();
  const added = ((until - since) * (zoomFactor - 1)) / 2;
  const wider = until + added;
  return {
    since: new Date(since - added).toISOString(),
    until: wider >= now.getTime() ? undefined : new Date(wider).toISOString(),
  };
}

export function countIn(activity: AuditActivity, brush: Brush): number {
  const { first, last } = brushed(brush);
  return activity.counts.slice(first, last + 1).reduce((sum, count) => sum + count, 0);
}

/** How long a bucket is, in words. */
export function bucketLength({ amount, unit }: BucketLength): string {
  return amount === 1 ? unit : `${amount} ${unit}s`;
}
