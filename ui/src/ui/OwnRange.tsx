import { Button } from "@mantine/core";
import { DateTimePicker } from "@mantine/dates";
import { useState } from "react";
import classes from "./OwnRange.module.css";
import { localDateTime, localInstant, parseInstant, pickerFormat } from "./time";

type OwnRangeProps = {
  /** RFC 3339. */
  from: string | undefined;
  until: string | undefined;
  onChoose: (from: string | undefined, until: string | undefined) => void;
  /** Both ends must be named. */
  isClosed?: boolean;
};

/** A calendar opens within the menu: outside of it, a click would close both. */
const inside = { withinPortal: false } as const;

/** A range of time by its ends, in a menu. */
export function OwnRange({ from, until, onChoose, isClosed = false }: OwnRangeProps) {
  const [first, setFirst] = useState<string | null>(localText(from));
  const [last, setLast] = useState<string | null>(localText(until));
  const isBackwards = first !== null && last !== null && first >= last;
  const isIncomplete = isClosed ? first === null || last === null : first === null && last === null;
  const picker = {
    size: "xs",
    clearable: !isClosed,
    valueFormat: pickerFormat({ withSeconds: false }),
    popoverProps: inside,
  } as const;
  return (
    <div className={classes.range}>
      <span className={classes.name}>Own range, local time</span>
      <DateTimePicker
        {...picker}
        label="From"
        placeholder={isClosed ? "when it begins" : "the beginning"}
        value={first}
        onChange={setFirst}
      />
      <DateTimePicker
        {...picker}
        label="To"
        placeholder={isClosed ? "when it ends" : "now"}
        value={last}
        onChange={setLast}
        error={isBackwards ? "It ends before it begins." : null}
      />
      <Button
        size="xs"
        disabled={isBackwards || isIncomplete}
        onClick={() => onChoose(instantText(first), instantText(last))}
      >
        Show this range
      </Button>
    </div>
  );
}

/** The pickers speak local time without a zone: "2026-11-23 14:05:00". */
function localText(text: string | undefined): string | null {
  const instant = parseInstant(text ?? null);
  return instant && localDateTime(instant);
}

function instantText(local: string | null): string | undefined {
  return local === null ? undefined : localInstant(local).toISOString();
}
