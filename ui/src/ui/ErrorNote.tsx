import type { ErrorReport } from "../bindings";
import classes from "./ErrorNote.module.css";
import { IconAlertTriangle } from "./icons";

/** Why something just tried was refused, in the place where it was tried. */
export function ErrorNote({ error }: { error: ErrorReport }) {
  return (
    <div className={classes.note} role="alert">
      <IconAlertTriangle size={15} aria-hidden />
      <span className={classes.words}>
        {error.message} {error.action}
        {error.detail !== null && <span className={classes.detail}>{error.detail}</span>}
      </span>
      <span className={classes.code} data-testid="error-code">
        {error.code}
      </span>
    </div>
  );
}
