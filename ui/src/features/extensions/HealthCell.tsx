import type { TablerIcon } from "@tabler/icons-react";
import { useContext } from "react";
import type { HealthState } from "../../bindings";
import { CallBars } from "../../ui/CallBars";
import { scoreText } from "../../ui/figures";
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconCircleX } from "../../ui/icons";
import { StatusWord, type Tone } from "../../ui/StatusWord";
import { healthWords } from "./extensionQuery";
import classes from "./HealthCell.module.css";
import { SparklinesContext } from "./sparklines";

const looks: Record<HealthState, { tone: Tone; icon: TablerIcon }> = {
  failing: { tone: "bad", icon: IconCircleX },
  degraded: { tone: "warn", icon: IconAlertTriangle },
  healthy: { tone: "good", icon: IconCircleCheck },
  no_data: { tone: "quiet", icon: IconCircleDashed },
};

type HealthCellProps = {
  /** Whose small chart of the last 24 hours stands beside it; without, none does. */
  id?: string;
  health: HealthState;
  scorePercent: number | null;
};

/** How the calls of an extension went: the state in a word, and the score where there is one. */
export function HealthCell({ id, health, scorePercent }: HealthCellProps) {
  const { icon, tone } = looks[health];
  return (
    <span className={classes.health}>
      <StatusWord icon={icon} tone={tone}>
        {healthWords[health]}
      </StatusWord>
      {scorePercent !== null && <span className={classes.score}>{scoreText(scorePercent)}</span>}
      {id !== undefined && <Sparkline id={id} />}
    </span>
  );
}

/** The calls of the last 24 hours. */
function Sparkline({ id }: { id: string }) {
  const sparkline = useContext(SparklinesContext)?.get(id);
  if (!sparkline) return null;
  return (
    <span className={classes.sparkline}>
      <CallBars
        successes={sparkline.success_counts}
        failures={sparkline.failure_counts}
        step="hour"
        width={40}
        height={18}
      />
    </span>
  );
}
