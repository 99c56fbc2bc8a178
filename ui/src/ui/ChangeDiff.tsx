import type { FieldChange } from "../bindings";
import classes from "./ChangeDiff.module.css";
import { ChangeValue } from "./ChangeValue";
import { indented, placeName } from "./fieldChanges";

type ChangeDiffProps = {
  changes: readonly FieldChange[];
  label?: string;
  /** Values of one version, which have no sides. */
  plain?: boolean;
};

/** Only what changed, each side marked by a sign as well as by colour. */
export function ChangeDiff({ changes, label = "Changes", plain = false }: ChangeDiffProps) {
  if (changes.length === 0) return <p className={classes.none}>No field has another value than before.</p>;
  return (
    <dl className={classes.diff} aria-label={label}>
      {changes.map((change) => (
        <div key={change.path} className={classes.field}>
          <dt>
            <bdi>{placeName(change)}</bdi>
          </dt>
          {change.before !== null && <Side mark="-" name="before" json={change.before} />}
          {change.after !== null && <Side mark={plain ? null : "+"} name="after" json={change.after} />}
        </div>
      ))}
    </dl>
  );
}

function Side({ mark, name, json }: { mark: "+" | "-" | null; name: string; json: string }) {
  return (
    <dd data-mark={mark}>
      {mark !== null && (
        <span className={classes.mark} role="img" aria-label={name}>
          {mark === "-" ? "−" : "+"}
        </span>
      )}
      <bdi className={classes.value}>
        <ChangeValue parts={indented(json)} />
      </bdi>
    </dd>
  );
}
