import { useDatabase } from "../api/database";
import { IconDatabase } from "../ui/icons";
import classes from "./DatabaseLine.module.css";

/** Which database this window talks to, and as whom. */
export function DatabaseLine() {
  const status = useDatabase().progress?.status;
  if (status?.state !== "ready") return <div />;
  return (
    <div className={classes.line} role="status" aria-label="Database">
      <IconDatabase size={15} stroke={1.7} aria-hidden />
      <span className={classes.name}>Embedded database</span>
      <span className={classes.live}>live</span>
      <span>PostgreSQL {status.server_version}</span>
      <span>
        login <span className={classes.name}>{status.login}</span>
      </span>
    </div>
  );
}
