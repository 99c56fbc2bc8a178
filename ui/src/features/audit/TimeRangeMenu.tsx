import { Button, Popover, UnstyledButton } from "@mantine/core";
import { DatePicker } from "@mantine/dates";
import { useState } from "react";
import { IconCalendarTime, IconChevronDown } from "../../ui/icons";
import { OwnRange } from "../../ui/OwnRange";
import { localInstant } from "../../ui/time";
import { type AuditSearch, type Range, ranges, rangeWords, type SearchChange } from "./auditSearch";
import classes from "./TimeRangeMenu.module.css";

type TimeRangeMenuProps = { search: AuditSearch; onChange: (change: SearchChange) => void };

const anyTime = { range: undefined, since: undefined, until: undefined, at: undefined };
const presets = Object.entries(ranges) as [Range, string][];

/** Which time: a usual range, one of its own; or a jump to a day, which leaves nothing out. */
export function TimeRangeMenu({ search, onChange }: TimeRangeMenuProps) {
  const [opened, setOpened] = useState(false);
  const words = rangeWords(search);

  function choose(change: SearchChange) {
    onChange({ ...anyTime, ...change });
    setOpened(false);
  }

  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-start" trapFocus withinPortal>
      <Popover.Target>
        <Button
          size="xs"
          variant="default"
          className={classes.target ?? ""}
          data-active={words !== null || undefined}
          leftSection={<IconCalendarTime size={14} aria-hidden />}
          rightSection={<IconChevronDown size={13} aria-hidden />}
          aria-label={`Time: ${words ?? "any time"}`}
          onClick={() => setOpened(!opened)}
        >
          {search.range ? ranges[search.range] : words === null ? "Any time" : "Own range"}
        </Button>
      </Popover.Target>
      <Popover.Dropdown className={classes.dropdown ?? ""}>
        <div className={classes.presets}>
          <Preset name="Any time" chosen={words === null} onChoose={() => choose({})} />
          {presets.map(([range, name]) => (
            <Preset
              key={range}
              name={name}
              chosen={search.range === range}
              onChoose={() => choose({ range })}
            />
          ))}
        </div>
        <div className={classes.part}>
          <OwnRange
            from={search.since}
            until={search.until}
            onChoose={(since, until) => choose({ since, until })}
          />
        </div>
        <div className={classes.part}>
          <span className={classes.partName}>Jump to a date</span>
          <DatePicker
            size="xs"
            maxDate={new Date()}
            aria-label="Jump to a date"
            onChange={(day) => {
              if (!day) return;
              onChange({ at: endOfDay(String(day)).toISOString() });
              setOpened(false);
            }}
          />
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}

function Preset({ name, chosen, onChoose }: { name: string; chosen: boolean; onChoose: () => void }) {
  return (
    <UnstyledButton className={classes.preset} aria-pressed={chosen} onClick={onChoose}>
      {name}
    </UnstyledButton>
  );
}

/** The last moment of a local day, "2026-11-23". */
function endOfDay(day: string): Date {
  const start = localInstant(`${day.slice(0, 10)} 00:00:00`);
  return new Date(new Date(start.getFullYear(), start.getMonth(), start.getDate() + 1).getTime() - 1);
}
