import { groupedCount } from "../../ui/figures";
import { ToggleChip } from "../../ui/ToggleChip";
import classes from "./ExtensionChips.module.css";
import {
  type ExtensionQuery,
  extensionTypes,
  healthStates,
  healthTerm,
  healthWords,
  type RowCounts,
  type TermKind,
  withTerm,
} from "./extensionQuery";

type ExtensionChipsProps = {
  /** The search box's text: chips are terms in it, so that both always say the same. */
  text: string;
  query: ExtensionQuery;
  counts: RowCounts;
  onChange: (text: string) => void;
};

/** The usual conditions, each with how many extensions meet it. */
export function ExtensionChips({ text, query, counts, onChange }: ExtensionChipsProps) {
  const { states, types, health } = query;
  const isUnfiltered = states.length + types.length + health.length === 0;
  /** A chip is on where its value is the only one of its kind; a second click takes the term away again. */
  const chip = (kind: TermKind, value: string, chosen: readonly string[]) => {
    const on = chosen.length === 1 && chosen[0] === value;
    return { on, onToggle: () => onChange(withTerm(text, kind, on ? [] : [value])) };
  };
  const withoutTerms = () =>
    onChange((["is", "type", "health"] as const).reduce((rest, kind) => withTerm(rest, kind, []), text));

  return (
    <fieldset className={classes.chips} aria-label="Show only">
      <ToggleChip on={isUnfiltered} onToggle={withoutTerms}>
        All {groupedCount(counts.all)}
      </ToggleChip>
      <ToggleChip {...chip("is", "on", states)}>On {groupedCount(counts.on)}</ToggleChip>
      <ToggleChip {...chip("is", "off", states)}>Off {groupedCount(counts.off)}</ToggleChip>
      <span className={classes.gap} />
      {extensionTypes.map((type) => (
        <ToggleChip key={type} {...chip("type", type, types)}>
          {type} {groupedCount(counts.types[type])}
        </ToggleChip>
      ))}
      <span className={classes.gap} />
      {healthStates.map((state) => (
        <ToggleChip key={state} {...chip("health", healthTerm(state), health.map(healthTerm))}>
          {healthWords[state]}{" "}
          <span
            className={classes.count}
            data-bad={(state === "failing" && counts.health[state] > 0) || undefined}
          >
            {groupedCount(counts.health[state])}
          </span>
        </ToggleChip>
      ))}
    </fieldset>
  );
}
