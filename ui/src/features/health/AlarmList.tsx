import { Button } from "@mantine/core";
import type { TablerIcon } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useId, useState } from "react";
import { useHealthAlarms } from "../../api/health";
import type { HealthAlarm, HealthTrouble } from "../../bindings";
import fonts from "../../ui/fonts.module.css";
import { IconBellOff, IconCircleX, IconClockExclamation } from "../../ui/icons";
import { isolated } from "../../ui/isolated";
import { StatusWord, type Tone } from "../../ui/StatusWord";
import { Timestamp } from "../../ui/Timestamp";
import table from "../../ui/table.module.css";
import { limitText, valueText } from "../../ui/troubleWords";
import classes from "./AlarmList.module.css";

const looks: Record<HealthTrouble, { word: string; tone: Tone; icon: TablerIcon; side: string }> = {
  failing: { word: "Fails too often", tone: "bad", icon: IconCircleX, side: "at least" },
  slow: { word: "Too slow", tone: "warn", icon: IconClockExclamation, side: "at most" },
  silent: { word: "Silent", tone: "warn", icon: IconBellOff, side: "at most" },
};

/** More than these push everything else out of sight. */
const shownAtFirst = 6;

/** What is beyond its limits now, the worst first; nothing while nothing is. */
export function AlarmList() {
  const alarms = useHealthAlarms().data?.alarms ?? [];
  const [isWhole, setWhole] = useState(false);
  const titleId = useId();
  if (alarms.length === 0) return null;
  const shown = isWhole ? alarms : alarms.slice(0, shownAtFirst);
  return (
    <section className={classes.alarms} aria-labelledby={titleId}>
      <header className={classes.header}>
        <h2 id={titleId}>Wrong now</h2>
        <span className={classes.hint}>in the last 15 minutes, against the limits in Settings</span>
        {alarms.length > shownAtFirst && (
          <Button size="compact-xs" variant="subtle" onClick={() => setWhole(!isWhole)}>
            {isWhole ? `Show the worst ${shownAtFirst}` : `Show all ${alarms.length}`}
          </Button>
        )}
      </header>
      <table className={`${table.table} ${classes.table}`} aria-label="Alarms">
        <thead>
          <tr>
            <th scope="col" className={classes.trouble}>
              Trouble
            </th>
            <th scope="col" className={classes.extension}>
              Extension
            </th>
            <th scope="col" className={classes.value}>
              Now
            </th>
            <th scope="col" className={classes.limit}>
              Limit
            </th>
            <th scope="col">Since</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((alarm) => (
            <Row key={`${alarm.trouble} ${alarm.extension_id}`} alarm={alarm} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({ alarm }: { alarm: HealthAlarm }) {
  const { extension_id, trouble, limit, since } = alarm;
  const { word, tone, icon, side } = looks[trouble];
  return (
    <tr data-alarm={extension_id} data-trouble={trouble}>
      <td>
        <StatusWord icon={icon} tone={tone}>
          {word}
        </StatusWord>
      </td>
      <td>
        <Link
          to="/extensions"
          search={{ open: extension_id }}
          className={`${classes.link} ${fonts.mono}`}
          title={`Open ${isolated(extension_id)}`}
          draggable={false}
        >
          <bdi>{extension_id}</bdi>
        </Link>
      </td>
      <td className={classes.figure}>{valueText(alarm)}</td>
      <td className={`${classes.figure} ${classes.quiet}`}>
        {side} {limitText(trouble, limit)}
      </td>
      <td>
        <Timestamp value={since} />
      </td>
    </tr>
  );
}
