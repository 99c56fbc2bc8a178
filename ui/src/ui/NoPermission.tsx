import { Button } from "@mantine/core";
import type { Role } from "../bindings";
import { CopyButton } from "./CopyButton";
import { IconLock } from "./icons";
import { useLogin } from "./login";
import classes from "./Placeholder.module.css";

type NoPermissionProps = {
  title: string;
  /** The least role that may. */
  needs: Role;
  /** The database's own words, to copy. */
  details?: string;
  /** Asks again, for when the role has been given. */
  onRetry?: () => void;
};

const mayDo: Record<Role, string> = {
  registry_auditor: "reads and verifies the audit log",
  registry_viewer: "reads everything",
  registry_operator: "switches extensions on and off",
  registry_editor: "creates, changes, deletes and imports extensions",
  registry_router: "reads the registry and records calls",
};

/** Nothing is wrong, the login may only not do this: which role it needs, whom to ask, and what they run. */
export function NoPermission({ title, needs, details, onRetry }: NoPermissionProps) {
  const { name, worksAs } = useLogin();
  const statement = `GRANT ${needs} TO ${quoted(name ?? "your_login")};`;
  return (
    <div className={classes.placeholder} role="alert">
      <IconLock className={classes.icon} size={28} stroke={1.4} aria-hidden />
      <h2 className={classes.title}>{title}</h2>
      {worksAs === null ? (
        <>
          <p className={classes.text}>
            The login <bdi>{name}</bdi> needs the role {needs}, which {mayDo[needs]}. Ask who manages the
            database's logins; as the database's administrator they run:
          </p>
          <pre className={classes.statement}>{statement}</pre>
        </>
      ) : (
        <p className={classes.text}>
          It needs the role {needs}, which {mayDo[needs]}. This window was started to work as{" "}
          <bdi>{worksAs}</bdi>, with less than the login <bdi>{name}</bdi> may: start it without
          BEAMLINE_REGISTRY_ROLE to do this.
        </p>
      )}
      <div className={classes.actions}>
        {worksAs === null && <CopyButton text={statement}>Copy for the administrator</CopyButton>}
        {onRetry && (
          <Button size="xs" variant="default" onClick={onRetry}>
            Try again
          </Button>
        )}
        {details !== undefined && <CopyButton text={details}>Copy details</CopyButton>}
      </div>
      <span className={classes.code} data-testid="error-code">
        forbidden
      </span>
    </div>
  );
}

/** A name as SQL takes any. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
