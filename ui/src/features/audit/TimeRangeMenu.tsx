import { Button, Popover, UnstyledButton } from "@mantine/core";
import { DatePicker, DateTimePicker } from "@mantine/dates";
import { useState } from "react";
import { IconCalendarTime, IconChevronDown } from "../../ui/icons";
import { localDateTime, localInstant, parseInstant } from "../../ui/time";
import { type AuditSearch, type Range, ranges, rangeWords, type SearchChange } from "./auditSearch";
import classes from "./TimeRangeMenu.module.css";

type TimeRangeMenuProps = { search: AuditSearch; onChange: (change: SearchChange) => void };

const anyTime = { range: undefined, since: undefined, until: undefined };
const presets = Object.entries(ranges) as [Range, string][];

/** Which time: a usual range, one of its own, or everything up to a day. */
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
        <OwnRange search={search} onChoose={choose} />
        <div className={classes.part}>
          <span className={classes.partName}>Jump to a date</span>
          <DatePicker
            size="xs"
            maxDate={new Date()}
            aria-label="Jump to a date"
            onChange={(day) => {
              if (day) choose({ until: endOfDay(String(day)).toISOString() });
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

type OwnRangeProps = { search: AuditSearch; onChoose: (change: SearchChange) => void };

function OwnRange({ search, onChoose }: OwnRangeProps) {
  const [since, setSince] = useState<string | null>(localText(search.since));
  const [until, setUntil] = useState<string | null>(localText(search.until));
  const backwards = since !== null && until !== null && since >= until;
  const picker = {
    size: "xs",
    clearable: true,
    valueFormat: "YYYY-MM-DD HH:mm",
    popoverProps: inside,
  } as const;
  return (
    <div className={classes.part}>
      <span className={classes.partName}>Own range, local time</span>
      <DateTimePicker
        {...picker}
        label="From"
        placeholder="the beginning"
        value={since}
        onChange={setSince}
      />
      <DateTimePicker
        {...picker}
        label="To"
        placeholder="now"
        value={until}
        onChange={setUntil}
        error={backwards ? "It ends before it begins." : null}
      />
      <Button
        size="xs"
        disabled={backwards || (since === null && until === null)}
        onClick={() => onChoose({ since: instantText(since), until: instantText(until) })}
      >
        Show this range
      </Button>
    </div>
  );
}

/** A calendar opens within the menu: outside of it, a click would close both. */
const inside = { withinPortal: false } as const;

/** The pickers speak local time without a zone: "2026-11-23 14:05:00". */
function localText(text: string | undefined): string | null {
  const instant = parseInstant(text ?? null);
  return instant && localDateTime(instant);
}

function instantText(local: string | null): string | undefined {
  return local === null ? undefined : localInstant(local).toISOString();
}

/** The first moment after a local day, "2026-11-23". */
function endOfDay(day: string): Date {
  const start = localInstant(`${day.slice(0, 10)} 00:00:00`);
  return new Date(start.getFullYear(), start.getMonth(), start.getDate() + 1);
}
