import type { TablerIcon } from "@tabler/icons-react";
import type { HealthState } from "../../bindings";
import { scoreText } from "../../ui/figures";
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconCircleX } from "../../ui/icons";
import { StatusWord, type Tone } from "../../ui/StatusWord";

const looks: Record<HealthState, { word: string; tone: Tone; icon: TablerIcon }> = {
  failing: { word: "failing", tone: "bad", icon: IconCircleX },
  degraded: { word: "degraded", tone: "warn", icon: IconAlertTriangle },
  healthy: { word: "healthy", tone: "good", icon: IconCircleCheck },
  no_data: { word: "no data", tone: "quiet", icon: IconCircleDashed },
};

/** How the calls of an extension went, as its score, or that there was none. */
export function HealthCell({ health, scorePercent }: { health: HealthState; scorePercent: number | null }) {
  const look = looks[health];
  return (
    <StatusWord icon={look.icon} tone={look.tone}>
      <span title={look.word}>{scorePercent === null ? look.word : scoreText(scorePercent)}</span>
    </StatusWord>
  );
}
