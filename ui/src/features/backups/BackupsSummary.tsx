import { Link } from "@tanstack/react-router";
import { useBackupOverview } from "../../api/backups";
import { Fact, Facts } from "../../ui/Facts";
import { Timestamp } from "../../ui/Timestamp";
import classes from "./Backups.module.css";

/** What the settings say of backups, and the way to their page. */
export function BackupsSummary() {
  const { data: overview } = useBackupOverview();
  return (
    <>
      {overview?.is_embedded && (
        <Facts>
          <Fact name="Each day">{overview.settings.is_enabled ? "on" : "off"}</Fact>
          <Fact name="Last">
            <Timestamp value={overview.last_at} absent="none yet" />
          </Fact>
        </Facts>
      )}
      <p className={classes.hint}>
        <Link to="/backups" className={classes.link} draggable={false}>
          Backups, restoring, kept databases and moving
        </Link>
      </p>
    </>
  );
}
