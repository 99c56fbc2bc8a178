import { CloseButton, Kbd, TextInput } from "@mantine/core";
import { useEffect, useMemo, useRef, useState } from "react";
import type { HealthOverviewRow, HealthSeverity } from "../../bindings";
import { groupedCount } from "../../ui/figures";
import { IconSearch } from "../../ui/icons";
import { ToggleChip } from "../../ui/ToggleChip";
import { useShortcuts } from "../../ui/useShortcuts";
import classes from "./HealthFilter.module.css";
import { healthWord } from "./HealthWord";
import type { HealthSearch } from "./healthSearch";
import { severities } from "./healthState";

type HealthFilterProps = {
  rows: readonly HealthOverviewRow[];
  search: HealthSearch;
  onChange: (change: { state?: HealthSeverity | undefined; text?: string | undefined }) => void;
};

/** The address follows the box after this pause, in milliseconds. */
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
      <IdBox text={search.text ?? ""} onChange={(text) => onChange({ text: text || undefined })} />
    </div>
  );
}

function IdBox({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(text);
  const [known, setKnown] = useState(text);
  // The address changed by another way, such as "clear": what stands there counts.
  if (text !== known) {
    setKnown(text);
    setTyped(text);
  }
  useShortcuts({ "/": () => input.current?.focus() });
  const apply = useRef(onChange);
  useEffect(() => {
    apply.current = onChange;
  });

  useEffect(() => {
    if (typed === known) return;
    const timer = setTimeout(() => {
      setKnown(typed);
      apply.current(typed);
    }, typingPauseMs);
    return () => clearTimeout(timer);
  }, [typed, known]);

  return (
    <TextInput
      ref={input}
      type="search"
      size="xs"
      w={240}
      aria-label="Filter by id"
      aria-keyshortcuts="/"
      placeholder="part of an id"
      spellCheck={false}
      autoComplete="off"
      leftSection={<IconSearch size={14} aria-hidden />}
      rightSection={
        typed ? (
          <CloseButton size="xs" aria-label="Clear the filter" onClick={() => setTyped("")} />
        ) : (
          <Kbd size="xs">/</Kbd>
        )
      }
      value={typed}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        if (typed) setTyped("");
        else event.currentTarget.blur();
      }}
    />
  );
}
