import type { FieldChange } from "../../bindings";
import classes from "./ChangeDiff.module.css";
import { indented, leafChanges } from "./fieldChanges";

/** Only what changed, each side marked by a sign as well as by colour. */
export function ChangeDiff({ changes }: { changes: readonly FieldChange[] }) {
  const leaves = leafChanges(changes);
  if (leaves.length === 0) return <p className={classes.none}>No field has another value than before.</p>;
  return (
    <dl className={classes.diff} aria-label="Changes">
      {leaves.map((change) => (
        <div key={change.field} className={classes.field}>
          <dt>{change.field}</dt>
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
      <span className={classes.value}>{indented(json)}</span>
    </dd>
  );
}
