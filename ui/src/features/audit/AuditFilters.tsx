import { Autocomplete, CloseButton } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { useExtensions } from "../../api/extensions";
import type { AuditAction } from "../../bindings";
import { PausingSearchField } from "../../ui/SearchField";
import { ToggleChip } from "../../ui/ToggleChip";
import classes from "./AuditFilters.module.css";
import { type AuditSearch, actions, type SearchChange } from "./auditSearch";
import { TimeRangeMenu } from "./TimeRangeMenu";

/** Between the last key and the search, in milliseconds. */
const typingPauseMs = 200;

type AuditFiltersProps = {
  search: AuditSearch;
  /** Who is in sight, to choose from. */
  knownActors: readonly string[];
  onChange: (change: SearchChange) => void;
  /** What stands at the end of the line. */
  children: ReactNode;
};

export function AuditFilters({ search, knownActors, onChange, children }: AuditFiltersProps) {
  const extensions = useExtensions();
  return (
    <search className={classes.bar} aria-label="Filter the audit log">
      <div className={classes.row}>
        <PausingSearchField
          className={classes.search ?? ""}
          label="Search the audit log"
          placeholder="Search ids, actors, reasons, values"
          clearLabel="Clear the search"
          pauseMs={typingPauseMs}
          text={search.text ?? ""}
          onChange={(text) => onChange({ text: text || undefined })}
        />
        <NameBox
          label="Extension"
          width={184}
          value={search.extension ?? ""}
          names={extensions.data?.map((extension) => extension.id) ?? []}
          onChoose={(extension) => onChange({ extension: extension || undefined })}
        />
        <NameBox
          label="Actor"
          width={132}
          value={search.actor ?? ""}
          names={knownActors}
          onChoose={(actor) => onChange({ actor: actor || undefined })}
        />
        <TimeRangeMenu search={search} onChange={onChange} />
        <span className={classes.end}>{children}</span>
      </div>
      <ActionChips
        chosen={search.actions ?? []}
        onChange={(chosen) => onChange({ actions: chosen.length === 0 ? undefined : chosen })}
      />
    </search>
  );
}

type NameBoxProps = {
  label: string;
  width: number;
  value: string;
  names: readonly string[];
  onChoose: (name: string) => void;
};

/** A name, chosen or typed: also of what is deleted and therefore in no list. */
function NameBox({ label, width, value, names, onChoose }: NameBoxProps) {
  const [typed, setTyped] = useState(value);
  const [known, setKnown] = useState(value);
  if (value !== known) {
    setKnown(value);
    setTyped(value);
  }
  function choose(name: string) {
    setTyped(name);
    if (name.trim() !== value) onChoose(name.trim());
  }
  return (
    <Autocomplete
      size="xs"
      w={width}
      aria-label={label}
      placeholder={label}
      data={[...new Set(names)]}
      limit={12}
      spellCheck={false}
      value={typed}
      onChange={setTyped}
      onOptionSubmit={choose}
      onBlur={() => choose(typed)}
      onKeyDown={(event) => {
        if (event.key === "Enter") choose(typed);
        if (event.key === "Escape") choose(value);
      }}
      rightSection={
        value ? (
          <CloseButton
            size="xs"
            aria-label={`Any ${label.toLowerCase()}`}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => choose("")}
          />
        ) : null
      }
    />
  );
}

function ActionChips({
  chosen,
  onChange,
}: {
  chosen: readonly AuditAction[];
  onChange: (chosen: AuditAction[]) => void;
}) {
  return (
    <fieldset className={classes.chips} aria-label="Kinds of changes">
      {actions.map((action) => {
        const on = chosen.includes(action);
        return (
          <ToggleChip
            key={action}
            on={on}
            onToggle={() =>
              onChange(actions.filter((other) => (other === action ? !on : chosen.includes(other))))
            }
          >
            {action}
          </ToggleChip>
        );
      })}
    </fieldset>
  );
}
