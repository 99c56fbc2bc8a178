import { Link } from "@tanstack/react-router";
import { usePermissions } from "../api/access";
import { useFreshness } from "../api/cache";
import { useConnectionState } from "../api/connectionState";
import { useDatabase } from "../api/database";
import type { CacheFreshness, OpenConnection, Permissions } from "../bindings";
import { placeText, serverRoleWords } from "../ui/connectionWords";
import { age, groupedCount } from "../ui/figures";
import { IconAlertTriangle, IconCircleCheck, IconDatabase, IconServer } from "../ui/icons";
import { ProfileMark } from "../ui/ProfileMark";
import { StatusWord, type Tone } from "../ui/StatusWord";
import { ConnectionWarnings } from "./ConnectionWarnings";
import classes from "./DatabaseLine.module.css";

const freshness: Record<CacheFreshness, { word: string; tone: Tone; title: string }> = {
  fresh: {
    word: "live",
    tone: "good",
    title:
      "Changes of others appear by themselves. The database said within the last 10 seconds that this is its newest revision.",
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
  const { progress } = useDatabase();
  const stats = useFreshness().data;
  const permissions = usePermissions().data;
  const connection = progress?.connection;
  if (!progress || !connection) return <div />;
  const { status } = progress;
  const look = stats && freshness[stats.state];
  return (
    <div
      className={classes.line}
      role="status"
      aria-label="Database"
      data-kind={connection.profile.database.kind}
    >
      <ProfileLink connection={connection} />
      {status.state === "ready" && (
        <>
          <ConnectionWarnings connection={connection} />
          {stats && look && (
            <>
              <span className={classes.state} title={look.title}>
                <StatusWord
                  icon={look.tone === "good" ? IconCircleCheck : IconAlertTriangle}
                  tone={look.tone}
                >
                  {look.word}
                </StatusWord>
              </span>
              <span className={classes.figures} title={look.title}>
                rev {groupedCount(stats.revision)}
                {stats.age_ms !== null && (
                  <span className={classes.age} aria-hidden>
                    {age(stats.age_ms)}
                  </span>
                )}
              </span>
            </>
          )}
          <UsedServer connection={connection} />
          <span className={classes.version}>PostgreSQL {status.server_version}</span>
          <span className={classes.login}>
            login <span className={classes.name}>{status.login}</span>
            {permissions && !permissions.can_edit && (
              <span className={classes.role} title="What it may not do is off, and says so.">
                {roleWord(permissions)}
              </span>
            )}
          </span>
        </>
      )}
    </div>
  );
}

/** What the registry is known by; it leads to the other connections. */
function ProfileLink({ connection: { profile } }: { connection: OpenConnection }) {
  const Icon = profile.database.kind === "embedded" ? IconDatabase : IconServer;
  return (
    <>
      <Link
        to="/connections"
        className={classes.profile}
        title={`${placeText(profile)}. Click for the other connections.`}
        draggable={false}
      >
        <Icon size={15} stroke={1.7} aria-hidden />
        {profile.colour !== null && <ProfileMark colour={profile.colour} />}
        <bdi className={classes.label}>{profile.label}</bdi>
      </Link>
      {profile.is_production && (
        <span className={classes.production} title="Each switch off and each deletion is asked about.">
          production
        </span>
      )}
    </>
  );
}

/** The server of several that is used now, and what it is. */
function UsedServer({ connection }: { connection: OpenConnection }) {
  const state = useConnectionState();
  if (connection.profile.database.kind === "embedded") return null;
  return (
    <span className={classes.server} title="The server that is used now">
      {state?.server ?? connection.server}
      {state && ` ${serverRoleWords[state.role]}`}
    </span>
  );
}

function roleWord({ can_switch, can_view }: Permissions): string {
  if (can_switch) return "operator";
  return can_view ? "viewer" : "auditor";
}
