import { Tooltip } from "@mantine/core";
import classes from "./Timestamp.module.css";
import { localClock, localDateTime, parseInstant, relativeTime, utcDateTime } from "./time";
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
  if (!instant) return <span className={classes.absent}>{value ?? absent}</span>;

  return (
    <Tooltip label={<LocalAndUtc instant={instant} />}>
      <time className={classes.time} dateTime={instant.toISOString()}>
        {format === "relative" && relativeTime(instant, now)}
        {format === "clock" && localClock(instant)}
        {format === "full" && localDateTime(instant)}
      </time>
    </Tooltip>
  );
}

function LocalAndUtc({ instant }: { instant: Date }) {
  return (
    <span className={classes.zones}>
      <span>Local</span>
      <span>{localDateTime(instant)}</span>
      <span>UTC</span>
      <span>{utcDateTime(instant)}</span>
    </span>
  );
}
