import type { AuditActivity } from "../../bindings";

/** The buckets of a selection, both ends included, in either order. */
export type Brush = { anchor: number; focus: number };

export function bucketTime(activity: AuditActivity, index: number): Date {
  return new Date(Date.parse(activity.since) + index * activity.bucket_seconds * 1_000);
}

export function brushed(brush: Brush): { first: number; last: number } {
  return { first: Math.min(brush.anchor, brush.focus), last: Math.max(brush.anchor, brush.focus) };
}

/** The range of time of a selection. */
export function brushRange(activity: AuditActivity, brush: Brush): { since: string; until: string } {
  const { first, last } = brushed(brush);
  return {
    since: bucketTime(activity, first).toISOString(),
    until: bucketTime(activity, last + 1).toISOString(),
  };
}

export function countIn(activity: AuditActivity, brush: Brush): number {
  const { first, last } = brushed(brush);
  return activity.counts.slice(first, last + 1).reduce((sum, count) => sum + count, 0);
}

/** Where the selection is after a key; null after one that means nothing here. */
export function movedBrush(brush: Brush | null, key: string, extend: boolean, count: number): Brush | null {
  const from = brush?.focus ?? count;
  const target = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: count - 1 }[key];
  if (target === undefined) return null;
  const focus = Math.min(count - 1, Math.max(0, target));
  return { anchor: extend && brush ? brush.anchor : focus, focus };
}

/** How long a bucket is, in words. */
export function bucketLength(seconds: number): string {
  const units: [number, string][] = [
    [86_400, "day"],
    [3_600, "hour"],
    [60, "minute"],
    [1, "second"],
  ];
  const [size, name] = units.find(([unit]) => seconds % unit === 0) ?? [1, "second"];
  const amount = seconds / size;
  return amount === 1 ? name : `${amount} ${name}s`;
}
