import type { ExtensionRow } from "../../api/extensions";
import { groupedCount } from "../../ui/figures";
import { ToggleChip } from "../../ui/ToggleChip";
import classes from "./ExtensionChips.module.css";
import { inState } from "./extensionOrder";
import { type ExtensionSearch, type StateFilter, types } from "./extensionSearch";

const states: readonly { state: StateFilter; name: string }[] = [
  { state: "on", name: "On" },
  { state: "off", name: "Off" },
  { state: "failing", name: "Failing" },
];

type ExtensionChipsProps = {
  rows: readonly ExtensionRow[];
  search: ExtensionSearch;
  onChange: (more: ExtensionSearch) => void;
};

/** The usual conditions, each with how many extensions meet it. */
export function ExtensionChips({ rows, search, onChange }: ExtensionChipsProps) {
  const count = (test: (row: ExtensionRow) => boolean) => groupedCount(rows.filter(test).length);
  return (
    <fieldset className={classes.chips} aria-label="Show only">
      {states.map(({ state, name }) => (
        <ToggleChip
          key={state}
          on={search.state === state}
          onToggle={() => onChange({ state: search.state === state ? undefined : state })}
        >
          {name} {count((row) => inState(row, state))}
        </ToggleChip>
      ))}
      <span className={classes.gap} />
      {types.map((type) => (
        <ToggleChip
          key={type}
          on={search.type === type}
          onToggle={() => onChange({ type: search.type === type ? undefined : type })}
        >
          {type} {count((row) => row.type === type)}
        </ToggleChip>
      ))}
    </fieldset>
  );
}
