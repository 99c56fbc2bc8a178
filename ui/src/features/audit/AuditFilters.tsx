import { Button, CloseButton, Kbd, Pill, Select, TextInput } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import type { AuditAction } from "../../bindings";
import { IconSearch } from "../../ui/icons";
import { ToggleChip } from "../../ui/ToggleChip";
import { useShortcuts } from "../../ui/useShortcuts";
import classes from "./AuditFilters.module.css";
import { type AuditSearch, actions, isFiltered, ranges } from "./auditSearch";

/** Typing is not interrupted by a question for every letter. */
const pauseMs = 200;

type AuditFiltersProps = { search: AuditSearch; onChange: (search: AuditSearch) => void };

/** What of the log is shown. */
export function AuditFilters({ search, onChange }: AuditFiltersProps) {
  const set = (more: AuditSearch) => onChange({ ...search, ...more });

  function toggle(action: AuditAction) {
    const chosen = search.actions ?? [];
    const next = chosen.includes(action) ? chosen.filter((other) => other !== action) : [...chosen, action];
    set({ actions: next.length > 0 ? next : undefined });
  }

  return (
    <search className={classes.filters} aria-label="Filter the audit log">
      <SearchBox value={search.text ?? ""} onChange={(text) => set({ text: text || undefined })} />
      <fieldset className={classes.chips} aria-label="Kinds of changes">
        {actions.map((action) => (
          <ToggleChip
            key={action}
            on={search.actions?.includes(action) ?? false}
            onToggle={() => toggle(action)}
          >
            {action}
          </ToggleChip>
        ))}
      </fieldset>
      <Select
        size="xs"
        w={150}
        aria-label="Time"
        placeholder="Any time"
        clearable
        data={ranges.map(({ value, name }) => ({ value, label: name }))}
        value={search.range ?? null}
        onChange={(value) => set({ range: ranges.find((range) => range.value === value)?.value })}
      />
      <Only name="extension" value={search.extension} onRemove={() => set({ extension: undefined })} />
      <Only name="by" value={search.actor} onRemove={() => set({ actor: undefined })} />
      <Only name="group" value={search.group?.slice(0, 8)} onRemove={() => set({ group: undefined })} />
      {isFiltered(search) && (
        <Button size="compact-xs" variant="subtle" onClick={() => onChange({})}>
          Clear
        </Button>
      )}
    </search>
  );
}

function SearchBox({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(value);
  const report = useRef(onChange);
  useEffect(() => {
    report.current = onChange;
  });
  // The address changed by other means: what was typed is not what is shown any more.
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed === value) return;
    const timer = setTimeout(() => report.current(typed), pauseMs);
    return () => clearTimeout(timer);
  }, [typed, value]);
  useShortcuts({ "/": () => input.current?.focus() });

  return (
    <TextInput
      ref={input}
      type="search"
      size="xs"
      w={240}
      aria-label="Search the audit log"
      aria-keyshortcuts="/"
      placeholder="Search ids, actors, reasons, values"
      spellCheck={false}
      autoComplete="off"
      leftSection={<IconSearch size={14} aria-hidden />}
      rightSection={
        typed ? (
          <CloseButton size="xs" aria-label="Clear the search" onClick={() => setTyped("")} />
        ) : (
          <Kbd size="xs">/</Kbd>
        )
      }
      value={typed}
      onChange={(event) => setTyped(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        if (typed) setTyped("");
        else event.currentTarget.blur();
      }}
    />
  );
}

function Only({ name, value, onRemove }: { name: string; value: string | undefined; onRemove: () => void }) {
  if (value === undefined) return null;
  return (
    <Pill
      size="sm"
      withRemoveButton
      onRemove={onRemove}
      removeButtonProps={{ "aria-label": `Not only ${name} ${value}`, "aria-hidden": false, tabIndex: 0 }}
      classNames={{ label: classes.pill }}
    >
      {name} {value}
    </Pill>
  );
}
