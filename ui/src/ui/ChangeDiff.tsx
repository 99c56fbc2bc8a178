import type { FieldChange } from "../bindings";
import classes from "./ChangeDiff.module.css";
import { ChangeValue } from "./ChangeValue";
import { indented, placeName } from "./fieldChanges";

/** Only what changed, each side marked by a sign as well as by colour. */
export function ChangeDiff({ changes }: { changes: readonly FieldChange[] }) {
  if (changes.length === 0) return <p className={classes.none}>No field has another value than before.</p>;
  return (
    <dl className={classes.diff} aria-label="Changes">
      {changes.map((change) => (
        <div key={change.path} className={classes.field}>
          <dt>{placeName(change)}</dt>
          {change.before !== null && <Side mark="-" name="before" json={change.before} />}
          {change.after !== null && <Side mark="+" name="after" json={change.after} />}
        </div>
      ))}
    </dl>
  );
}

function Side({ mark, name, json }: { mark: "+" | "-"; name: string; json: string }) {
  return (
    <dd data-mark={mark}>
      <span className={classes.mark} role="img" aria-label={name}>
        {mark === "-" ? "−" : "+"}
      </span>
      <span className={classes.value}>
        <ChangeValue parts={indented(json)} />
      </span>
    </dd>
  );
}
