import type { TablerIcon } from "@tabler/icons-react";
import type { HealthState } from "../../bindings";
import { scoreText } from "../../ui/figures";
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconCircleX } from "../../ui/icons";
import { StatusWord, type Tone } from "../../ui/StatusWord";
import { healthWords } from "./extensionQuery";
import classes from "./HealthCell.module.css";

const looks: Record<HealthState, { tone: Tone; icon: TablerIcon }> = {
  failing: { tone: "bad", icon: IconCircleX },
  degraded: { tone: "warn", icon: IconAlertTriangle },
  healthy: { tone: "good", icon: IconCircleCheck },
  no_data: { tone: "quiet", icon: IconCircleDashed },
};

/** How the calls of an extension went: the state in a word, and the score where there is one. */
export function HealthCell({ health, scorePercent }: { health: HealthState; scorePercent: number | null }) {
  const { icon, tone } = looks[health];
  return (
    <span className={classes.health}>
      <StatusWord icon={icon} tone={tone}>
        {healthWords[health]}
      </StatusWord>
      {scorePercent !== null && <span className={classes.score}>{scoreText(scorePercent)}</span>}
    </span>
  );
}
