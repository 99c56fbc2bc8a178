import { Checkbox } from "@mantine/core";
import { useMemo } from "react";
import type { FieldChange } from "../../bindings";
import { ChangeValue } from "../../ui/ChangeValue";
import { fieldLabel, placeName, sidesOf, type ValuePart } from "../../ui/fieldChanges";
import { groupedCount } from "../../ui/figures";
import classes from "./RestoreFields.module.css";

/** A field that differs, with the places in it that do. */
export type RestorableField = { name: string; changes: FieldChange[] };

/** The columns that can be brought back, in the order in which they are read. */
const restorable = ["subject", "timeout_ms", "retry", "enabled", "config", "metadata"];

/** The changes of each field that can be brought back. */
export function restorableFields(changes: readonly FieldChange[]): RestorableField[] {
  return restorable
    .map((name) => ({
      name,
      changes: changes.filter(({ path }) => path === `/${name}` || path.startsWith(`/${name}/`)),
    }))
    .filter((field) => field.changes.length > 0);
}

type RestoreFieldsProps = {
  fields: readonly RestorableField[];
  revision: number;
  /** The names of the fields that come back; null where all of it does. */
  chosen: ReadonlySet<string> | null;
  onChoose: (chosen: ReadonlySet<string>) => void;
};

/** What is there now on the left, the version that was chosen on the right, and a box for each field that differs. */
export function RestoreFields({ fields, revision, chosen, onChoose }: RestoreFieldsProps) {
  function choose(name: string, isChosen: boolean) {
    const next = new Set(chosen);
    if (isChosen) next.add(name);
    else next.delete(name);
    onChoose(next);
  }
  return (
    <div className={classes.fields}>
      <div className={classes.head}>
        {chosen ? (
          <Checkbox
            size="xs"
            label={`Select all (${fields.length})`}
            checked={chosen.size === fields.length}
            indeterminate={chosen.size > 0 && chosen.size < fields.length}
            onChange={({ currentTarget }) =>
              onChoose(new Set(currentTarget.checked ? fields.map(({ name }) => name) : []))
            }
          />
        ) : (
          <span />
        )}
        <span>Now</span>
        <span>Version #{groupedCount(revision)}</span>
      </div>
      <ul className={classes.list} aria-label="Fields that differ">
        {fields.map((field) => (
          <li key={field.name} className={classes.field} data-field={field.name}>
            {chosen ? (
              <Checkbox
                size="xs"
                className={classes.name ?? ""}
                label={fieldLabel(field.name)}
                checked={chosen.has(field.name)}
                onChange={({ currentTarget }) => choose(field.name, currentTarget.checked)}
              />
            ) : (
              <span className={classes.name}>{fieldLabel(field.name)}</span>
            )}
            <div className={classes.places} data-left={(chosen && !chosen.has(field.name)) || undefined}>
              {field.changes.map((change) => (
                <Place key={change.path} field={field.name} change={change} />
              ))}
            </div>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Place({ field, change }: { field: string; change: FieldChange }) {
  const { before, after } = useMemo(() => sidesOf(change), [change]);
  return (
    <div className={classes.place}>
      {change.path !== `/${field}` && (
        <div className={classes.path}>
          <bdi>{placeName(change)}</bdi>
        </div>
      )}
      <Side name="Now" mark="-" parts={before} />
      <Side name="Then" mark="+" parts={after} />
    </div>
  );
}

type SideProps = { name: string; mark: "-" | "+"; parts: readonly ValuePart[] | null };

function Side({ name, mark, parts }: SideProps) {
  return (
    <div className={classes.side} data-mark={parts ? mark : "none"}>
      {parts ? (
        <>
          <span className={classes.mark} role="img" aria-label={name}>
            {mark === "-" ? "−" : "+"}
          </span>
          <bdi className={classes.value}>
            <ChangeValue parts={parts} />
          </bdi>
        </>
      ) : (
        <span className={classes.absent}>not there</span>
      )}
    </div>
  );
}
