import { groupedCount } from "../../ui/figures";
import classes from "./CallBars.module.css";

const width = 140;
const height = 26;

type CallBarsProps = {
  successes: readonly number[];
  failures: readonly number[];
  /** How long a bar is: "1 h". */
  step: string;
};

/**
 * The calls of each step, the oldest at the left; failed ones stand on the line and the answered ones above them, so
 * that a few failures show and are told by their place as well as by their colour.
 */
export function CallBars({ successes, failures, step }: CallBarsProps) {
  const most = Math.max(1, ...successes.map((success, place) => success + (failures[place] ?? 0)));
  const pitch = width / Math.max(successes.length, 1);
  // What failed is seen, however little it is beside the rest.
  const tall = (count: number, atLeast: number) =>
    count === 0 ? 0 : Math.max(atLeast, (count / most) * height);
  const failed = failures.reduce((sum, count) => sum + count, 0);
  const all = failed + successes.reduce((sum, count) => sum + count, 0);
  const words = `${groupedCount(all)} calls in ${successes.length} steps of ${step}, ${groupedCount(failed)} failed`;
  return (
    <svg className={classes.bars} width={width} height={height} role="img" aria-label={words}>
      <title>{words}</title>
      {successes.map((success, place) => {
        const below = tall(failures[place] ?? 0, 2);
        const above = Math.min(tall(success, 1), height - below);
        const bar = { x: place * pitch + 0.5, width: Math.max(1, pitch - 1.5) };
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place
          <g key={place}>
            <rect {...bar} className={classes.success} y={height - below - above} height={above} />
            <rect {...bar} className={classes.failure} y={height - below} height={below} />
          </g>
        );
      })}
      <line className={classes.base} x1={0} x2={width} y1={height + 0.5} y2={height + 0.5} />
    </svg>
  );
}
