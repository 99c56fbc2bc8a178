import { CopyButton } from "./CopyButton";
import classes from "./ErrorNote.module.css";
import { asSentence, failureDetails, type ShownError } from "./failure";
import { IconAlertTriangle } from "./icons";

/** Why something just tried was refused, in the place where it was tried. */
export function ErrorNote({ error }: { error: ShownError }) {
  return (
    <div className={classes.note} role="alert">
      <IconAlertTriangle size={15} aria-hidden />
      <span className={classes.words}>
        {asSentence(error.message)} {error.action}
        {error.detail !== null && <span className={classes.detail}>{error.detail}</span>}
      </span>
      <span className={classes.code} data-testid="error-code">
        {error.code}
      </span>
      <CopyButton size="compact-xs" text={failureDetails(error)}>
        Copy details
      </CopyButton>
    </div>
  );
}
