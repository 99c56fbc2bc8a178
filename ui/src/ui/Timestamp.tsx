import classes from "./Timestamp.module.css";
import { parseInstant, relativeTime, shownClock, shownDateTime, utcDateTime } from "./time";
import { useHint } from "./useHint";
import { useNow } from "./useNow";

type TimestampProps = {
  /** RFC 3339, as the backend sends it. */
  value: string | null;
  /** What stands in the line; the whole time is on hover, local and in UTC. */
  format?: "relative" | "clock" | "full";
  /** What to say when there is no time. */
  absent?: string;
};

export function Timestamp({ value, format = "relative", absent = "never" }: TimestampProps) {
  const now = useNow();
  const instant = parseInstant(value);
  const { target, hint } = useHint<HTMLTimeElement>(instant && <LocalAndUtc instant={instant} />);
  if (!instant) return <span className={classes.absent}>{value ?? absent}</span>;

  return (
    <>
      <time {...target} className={classes.time} dateTime={instant.toISOString()}>
        {format === "relative" && relativeTime(instant, now)}
        {format === "clock" && shownClock(instant)}
        {format === "full" && shownDateTime(instant)}
      </time>
      {hint}
    </>
  );
}

function LocalAndUtc({ instant }: { instant: Date }) {
  return (
    <span className={classes.zones}>
      <span>Local</span>
      <span>{shownDateTime(instant)}</span>
      <span>UTC</span>
      <span>{utcDateTime(instant)}</span>
    </span>
  );
}
