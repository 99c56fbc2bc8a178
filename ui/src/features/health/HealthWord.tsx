import type { TablerIcon } from "@tabler/icons-react";
import type { HealthSeverity } from "../../bindings";
import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleDashed,
  IconCircleOff,
  IconCircleX,
  IconHourglass,
  IconVolumeOff,
} from "../../ui/icons";
import { StatusWord, type Tone } from "../../ui/StatusWord";

const looks: Record<HealthSeverity, { word: string; tone: Tone; icon: TablerIcon }> = {
  failing: { word: "Failing", tone: "bad", icon: IconCircleX },
  slow: { word: "Slow", tone: "warn", icon: IconHourglass },
  degraded: { word: "Degraded", tone: "warn", icon: IconAlertTriangle },
  silent: { word: "Silent", tone: "warn", icon: IconVolumeOff },
  healthy: { word: "Healthy", tone: "good", icon: IconCircleCheck },
  no_data: { word: "No data", tone: "quiet", icon: IconCircleDashed },
  off: { word: "Off", tone: "quiet", icon: IconCircleOff },
};

/** What a state is called. */
export function healthWord(state: HealthSeverity): string {
  return looks[state].word;
}

/** How calls go: in a word, with a mark of its own. */
export function HealthWord({ state }: { state: HealthSeverity }) {
  const { icon, tone, word } = looks[state];
  return (
    <StatusWord icon={icon} tone={tone}>
      {word}
    </StatusWord>
  );
}
