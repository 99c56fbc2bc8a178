import classes from "./CallBars.module.css";
import { groupedCount } from "./figures";

type CallBarsProps = {
  successes: readonly number[];
  failures: readonly number[];
  /** How long a bar is: "hour". */
  step: string;
  width?: number;
  height?: number;
};

/**
 * The calls of each step, the oldest at the left; failed ones stand on the line and the answered ones above them, so
 * that a few failures show and are told by their place as well as by their colour. Two paths: tables have many.
 */
export function CallBars({ successes, failures, step, width = 140, height = 26 }: CallBarsProps) {
  const most = Math.max(1, ...successes.map((success, place) => success + (failures[place] ?? 0)));
  const pitch = width / Math.max(successes.length, 1);
  const thick = Math.max(1, pitch - (pitch > 4 ? 1.5 : 0.75));
  // What failed is seen, however little it is beside the rest.
  const tall = (count: number, atLeast: number) =>
    count === 0 ? 0 : Math.max(atLeast, (count / most) * height);
  let answered = "";
  let failed = "";
  let answeredCount = 0;
  let failedCount = 0;
  successes.forEach((success, place) => {
    const failure = failures[place] ?? 0;
    const below = tall(failure, 2);
    const above = Math.min(tall(success, 1), height - below);
    answeredCount += success;
    failedCount += failure;
    answered += bar(place * pitch, thick, height - below, above);
    failed += bar(place * pitch, thick, height, below);
  });
  const words = `${groupedCount(answeredCount + failedCount)} calls in ${successes.length} steps of ${step}, ${groupedCount(failedCount)} failed`;
  return (
    <svg className={classes.bars} width={width} height={height} role="img" aria-label={words}>
      <title>{words}</title>
      <path className={classes.success} d={answered} />
      <path className={classes.failure} d={failed} />
      <line className={classes.base} x1={0} x2={width} y1={height + 0.5} y2={height + 0.5} />
    </svg>
  );
}

/** A bar that stands on `bottom`. */
function bar(left: number, width: number, bottom: number, height: number): string {
  if (height === 0) return "";
  const [x, y, w, h] = [left, bottom, width, height].map((length) => length.toFixed(1));
  return `M${x} ${y}v-${h}h${w}v${h}z`;
}
