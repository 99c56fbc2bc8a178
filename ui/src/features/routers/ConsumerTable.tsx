import type { TablerIcon } from "@tabler/icons-react";
import type { ConsumerReport } from "../../bindings";
import { groupedCount } from "../../ui/figures";
import { Identifier } from "../../ui/Identifier";
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconHistory } from "../../ui/icons";
import { StatusWord, type Tone } from "../../ui/StatusWord";
import { Timestamp } from "../../ui/Timestamp";
import table from "../../ui/table.module.css";
import { behindText, type ConsumerState, consumerState } from "./consumerState";
import classes from "./RoutersPage.module.css";

const looks: Record<ConsumerState, { word: string; tone: Tone; icon: TablerIcon }> = {
  current: { word: "Up to date", tone: "good", icon: IconCircleCheck },
  behind: { word: "Behind", tone: "warn", icon: IconHistory },
  silent: { word: "Not heard of", tone: "quiet", icon: IconCircleDashed },
  ahead: { word: "Ahead", tone: "bad", icon: IconAlertTriangle },
};

export function ConsumerTable({ consumers }: { consumers: readonly ConsumerReport[] }) {
  return (
    <table className={`${table.table} ${classes.table}`} aria-label="Programs that use the registry">
      <thead>
        <tr>
          <th scope="col" className={classes.state}>
            State
          </th>
          <th scope="col">Program</th>
          <th scope="col">Host</th>
          <th scope="col">Login</th>
          <th scope="col" className={`${classes.revision} ${table.figure}`}>
            Has applied
          </th>
          <th scope="col" className={`${classes.behind} ${table.figure}`}>
            Lacks
          </th>
          <th scope="col" className={classes.time}>
            Last report
          </th>
          <th scope="col" className={classes.time}>
            Runs since
          </th>
        </tr>
      </thead>
      <tbody>
        {consumers.map((consumer) => (
          <ConsumerRow key={consumer.consumer_id} consumer={consumer} />
        ))}
      </tbody>
    </table>
  );
}

function ConsumerRow({ consumer }: { consumer: ConsumerReport }) {
  const state = consumerState(consumer);
  const look = looks[state];
  return (
    <tr data-consumer={consumer.name} data-state={state}>
      <td>
        <StatusWord icon={look.icon} tone={look.tone}>
          {look.word}
        </StatusWord>
      </td>
      <td className={table.name}>
        <Identifier label="program" value={[consumer.name, consumer.version].filter(Boolean).join(" ")} />
      </td>
      <td className={table.name}>
        <Identifier label="host" value={consumer.host} />
      </td>
      <td className={table.name}>
        <Identifier label="login" value={consumer.login} />
      </td>
      <td className={table.figure}>#{groupedCount(consumer.applied_revision)}</td>
      <td className={table.figure}>{behindText(consumer) ?? "nothing"}</td>
      <td>
        <Timestamp value={consumer.seen_at} />
      </td>
      <td>
        <Timestamp value={consumer.started_at} />
      </td>
    </tr>
  );
}
