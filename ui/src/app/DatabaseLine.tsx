import { usePermissions } from "../api/access";
import { useConnectionProfile } from "../api/application";
import { useCacheStats } from "../api/cache";
import { useDatabase } from "../api/database";
import type { CacheFreshness, Permissions } from "../bindings";
import { age, groupedCount } from "../ui/figures";
import { IconAlertTriangle, IconCircleCheck, IconDatabase } from "../ui/icons";
import { StatusWord, type Tone } from "../ui/StatusWord";
import classes from "./DatabaseLine.module.css";

const freshness: Record<CacheFreshness, { word: string; tone: Tone; title: string }> = {
  fresh: {
    word: "live",
    tone: "good",
    title:
      "Changes of others appear by themselves. The age is how long ago the database said that this is its newest revision.",
  },
  stale: {
    word: "stale",
    tone: "warn",
    title: "The database does not answer. What is shown is as old as it says.",
  },
  diverged: {
    word: "diverged",
    tone: "bad",
    title: "The registry's history is not the one that was followed: see Routers.",
  },
};

/** Which database this window talks to, as whom, and how old what it shows is. */
export function DatabaseLine() {
  const status = useDatabase().progress?.status;
  const stats = useCacheStats().data;
  const { production } = useConnectionProfile();
  const permissions = usePermissions().data;
  if (status?.state !== "ready") return <div />;
  const look = stats && freshness[stats.state];
  return (
    <div className={classes.line} role="status" aria-label="Database">
      <IconDatabase size={15} stroke={1.7} aria-hidden />
      <span className={classes.name}>Embedded database</span>
      {production && (
        <span className={classes.production} title="Each switch off and each deletion is asked about.">
          production
        </span>
      )}
      {stats && look && (
        <>
          <span className={classes.state} title={look.title}>
            <StatusWord icon={look.tone === "good" ? IconCircleCheck : IconAlertTriangle} tone={look.tone}>
              {look.word}
            </StatusWord>
          </span>
          <span className={classes.figures} title={look.title}>
            rev {groupedCount(stats.revision)}
            <span className={classes.age}>{age(stats.age_ms)}</span>
          </span>
        </>
      )}
      <span>PostgreSQL {status.server_version}</span>
      <span>
        login <span className={classes.name}>{status.login}</span>
        {permissions && !permissions.can_edit && (
          <span className={classes.role} title="What it may not do is off, and says so.">
            {roleWord(permissions)}
          </span>
        )}
      </span>
    </div>
  );
}

function roleWord({ can_switch, can_view }: Permissions): string {
  if (can_switch) return "operator";
  return can_view ? "viewer" : "auditor";
}
