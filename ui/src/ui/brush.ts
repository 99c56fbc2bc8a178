/** The places of a selection on an axis, both ends included, in either order. */
export type Brush = { anchor: number; focus: number };

export function brushed(brush: Brush): { first: number; last: number } {
  return { first: Math.min(brush.anchor, brush.focus), last: Math.max(brush.anchor, brush.focus) };
}

/** Where the selection is after a key; null after one that means nothing here. */
export function movedBrush(brush: Brush | null, key: string, extend: boolean, count: number): Brush | null {
  const from = brush?.focus ?? count;
  const target = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: count - 1 }[key];
  if (target === undefined) return null;
  const focus = Math.min(count - 1, Math.max(0, target));
  return { anchor: extend && brush ? brush.anchor : focus, focus };
}
