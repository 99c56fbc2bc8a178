import classes from "./Identifier.module.css";
import { IconCheck, IconCopy } from "./icons";
import { useCopy } from "./useCopy";
import { useHint } from "./useHint";

/** So many characters at the end stay in sight: what tells two long names apart is usually there. */
const tailLength = 12;

/**
 * A name in the machine's own words. Where it does not fit it loses its middle, the whole of it is on
 * hover, and a click copies it.
 */
export function Identifier({ value, label }: { value: string; label: string }) {
  const { copied, copy } = useCopy();
  const headLength = Math.max(0, value.length - tailLength);
  const Icon = copied ? IconCheck : IconCopy;
  const { target, hint } = useHint<HTMLButtonElement>(
    copied ? "Copied" : <span className={classes.whole}>{value}</span>,
  );

  return (
    <>
      <button
        {...target}
        type="button"
        className={classes.identifier}
        aria-label={copied ? `Copied ${label} ${value}` : `Copy ${label} ${value}`}
        data-copied={copied || undefined}
        onClick={() => copy(value)}
      >
        <span className={classes.head}>{value.slice(0, headLength)}</span>
        <span className={classes.tail}>{value.slice(headLength)}</span>
        <Icon className={classes.icon} size={13} aria-hidden />
      </button>
      {hint}
    </>
  );
}
