import type { TablerIcon } from "@tabler/icons-react";
import type { HealthState } from "../../bindings";
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconCircleX } from "../../ui/icons";
import { StatusWord, type Tone } from "../../ui/StatusWord";

const looks: Record<HealthState, { word: string; tone: Tone; icon: TablerIcon }> = {
  failing: { word: "Failing", tone: "bad", icon: IconCircleX },
  degraded: { word: "Degraded", tone: "warn", icon: IconAlertTriangle },
  healthy: { word: "Healthy", tone: "good", icon: IconCircleCheck },
  no_data: { word: "No data", tone: "quiet", icon: IconCircleDashed },
};

/** How calls go: in a word, with a mark of its own. */
export function HealthWord({ state }: { state: HealthState }) {
  const { icon, tone, word } = looks[state];
  return (
    <StatusWord icon={icon} tone={tone}>
      {word}
    </StatusWord>
  );
}
