import { Popover } from "@mantine/core";
import { useState } from "react";
import { OwnRange } from "../../ui/OwnRange";
import { ToggleChip } from "../../ui/ToggleChip";
import {
  type HealthRangeName,
  healthRanges,
  type LastRange,
  type OwnRange as Own,
  rangeWords,
} from "./healthSearch";
import classes from "./RangeChips.module.css";

type RangeChipsProps = {
  /** Null while one of its own is shown. */
  chosen: HealthRangeName | null;
  own: Own | null;
  onChoose: (range: LastRange) => void;
  onOwn: (own: Own) => void;
  /** Offers what the counters hold. */
  onAll?: () => void;
};

const names = Object.entries(healthRanges) as [LastRange, { words: string }][];

/** Which time is looked at: a usual range up to now, or one of its own. */
export function RangeChips({ chosen, own, onChoose, onOwn, onAll }: RangeChipsProps) {
  const [opened, setOpened] = useState(false);
  return (
    <fieldset className={classes.ranges} aria-label="Range">
      {names.map(([name, { words }]) => (
        <ToggleChip key={name} on={name === chosen} onToggle={() => onChoose(name)}>
          {words}
        </ToggleChip>
      ))}
      {onAll && (
        <ToggleChip on={chosen === "all"} onToggle={onAll}>
          All time
        </ToggleChip>
      )}
      <Popover
        opened={opened}
        onChange={setOpened}
        position="bottom-start"
        trapFocus
        withinPortal
        withRoles={false}
      >
        <Popover.Target>
          <span>
            <ToggleChip on={own !== null} onToggle={() => setOpened(!opened)}>
              {own === null ? "Own range…" : rangeWords(own)}
            </ToggleChip>
          </span>
        </Popover.Target>
        <Popover.Dropdown role="dialog" aria-label="Own range" className={classes.dropdown ?? ""}>
          <OwnRange
            key={own?.from}
            from={own?.from}
            until={own?.until}
            isClosed
            onChoose={(from, until) => {
              setOpened(false);
              if (from !== undefined && until !== undefined) onOwn({ from, until });
            }}
          />
        </Popover.Dropdown>
      </Popover>
    </fieldset>
  );
}
