import { useMemo } from "react";
import type { HealthOverviewRow, HealthSeverity } from "../../bindings";
import { groupedCount } from "../../ui/figures";
import { PausingSearchField } from "../../ui/SearchField";
import { ToggleChip } from "../../ui/ToggleChip";
import classes from "./HealthFilter.module.css";
import { healthWord } from "./HealthWord";
import type { HealthSearch } from "./healthSearch";
import { severities } from "./healthState";

type HealthFilterProps = {
  rows: readonly HealthOverviewRow[];
  search: HealthSearch;
  onChange: (change: { state?: HealthSeverity | undefined; text?: string | undefined }) => void;
};

/** The address follows the field after this pause, in milliseconds. */
const typingPauseMs = 150;

/** Which extensions are shown: those in a state, with how many there are, and those with a text in their id. */
export function HealthFilter({ rows, search, onChange }: HealthFilterProps) {
  const counts = useMemo(() => {
    const counts = new Map<HealthSeverity, number>();
    for (const { severity } of rows) counts.set(severity, (counts.get(severity) ?? 0) + 1);
    return counts;
  }, [rows]);
  return (
    <div className={classes.filter}>
      <fieldset className={classes.chips} aria-label="Show only">
        <ToggleChip on={search.state === undefined} onToggle={() => onChange({ state: undefined })}>
          All {groupedCount(rows.length)}
        </ToggleChip>
        {severities.map((severity) => {
          const count = counts.get(severity) ?? 0;
          const on = search.state === severity;
          if (count === 0 && !on) return null;
          return (
            <ToggleChip
              key={severity}
              on={on}
              onToggle={() => onChange({ state: on ? undefined : severity })}
            >
              {healthWord(severity)}{" "}
              <span className={classes.count} data-bad={severity === "failing" || undefined}>
                {groupedCount(count)}
              </span>
            </ToggleChip>
          );
        })}
      </fieldset>
      <PausingSearchField
        w={240}
        label="Filter by id"
        placeholder="part of an id"
        clearLabel="Clear the filter"
        pauseMs={typingPauseMs}
        text={search.text ?? ""}
        onChange={(text) => onChange({ text: text || undefined })}
      />
    </div>
  );
}
