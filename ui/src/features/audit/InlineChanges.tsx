import type { FieldChange } from "../../bindings";
import { counted } from "../../ui/figures";
import { fitsInline, inline, leafChanges } from "./fieldChanges";
import classes from "./InlineChanges.module.css";

/** More than this belongs into the details. */
const shownInline = 2;

/** The change in a few words at the end of the line: "enabled: true → false". */
export function InlineChanges({ changes }: { changes: readonly FieldChange[] }) {
  const leaves = leafChanges(changes);
  if (leaves.length === 0) return null;
  if (leaves.length > shownInline || !leaves.every(fitsInline)) {
    return <span className={classes.changes}>{counted(leaves.length, "field")}</span>;
  }
  return (
    <span className={classes.changes}>
      {leaves.map((change) => (
        <span key={change.field} className={classes.change}>
          {change.field}: {inline(change.before)} → {inline(change.after)}
        </span>
      ))}
    </span>
  );
}
