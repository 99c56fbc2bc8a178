import type { LastChange } from "../../bindings";
import { Timestamp } from "../../ui/Timestamp";
import classes from "./ExtensionTable.module.css";

/** Who changed it last, and when. */
export function LastChangeCell({ change }: { change: LastChange | null }) {
  if (!change) return <span className={classes.none}>never</span>;
  return (
    <span className={classes.change}>
      <span className={classes.changedBy} title={change.changed_by ?? undefined}>
        {change.changed_by ?? "unknown"}
      </span>
      <span className={classes.changedAt}>
        <Timestamp value={change.timestamp} absent="at an unknown time" />
      </span>
    </span>
  );
}
