import type { FieldChange } from "../../bindings";
import { ChangeValue } from "../../ui/ChangeValue";
import { fitsInline, inline, placeName } from "../../ui/fieldChanges";
import { counted } from "../../ui/figures";
import classes from "./InlineChanges.module.css";

/** More than this belongs into the details. */
const shownInline = 2;

/** The change in a few words at the end of the line: "enabled: true → false". */
export function InlineChanges({ changes }: { changes: readonly FieldChange[] }) {
  if (changes.length === 0) return null;
  if (changes.length > shownInline || !changes.every(fitsInline)) {
    return <span className={classes.changes}>{counted(changes.length, "field")}</span>;
  }
  return (
    <span className={classes.changes}>
      {changes.map((change) => (
        <span key={change.path} className={classes.change}>
          <bdi>{placeName(change)}</bdi>: <ChangeValue parts={inline(change.before)} /> →{" "}
          <ChangeValue parts={inline(change.after)} />
        </span>
      ))}
    </span>
  );
}
