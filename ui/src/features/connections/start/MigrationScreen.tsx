import { Button, Checkbox } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { toErrorReport } from "../../../api/command";
import { useMigrateDatabase, useOpenAgain } from "../../../api/connections";
import type { ConnectionProfile, MigrationDecision, MissingRole } from "../../../bindings";
import { CopyButton } from "../../../ui/CopyButton";
import { ErrorNote } from "../../../ui/ErrorNote";
import { GuardedButton } from "../../../ui/GuardedButton";
import { IconAlertTriangle, IconDatabase, IconRefresh } from "../../../ui/icons";
import { Screen, ScreenButtons, ScreenMessage } from "../../../ui/Screen";
import { migrationWords, otherTableCount, otherTablesText, pendingOf } from "./migrationWords";
import { PendingMigrations } from "./PendingMigrations";
import classes from "./Start.module.css";
import { AboutProfile } from "./Ways";

type MigrationScreenProps = {
  profile: ConnectionProfile;
  server: string;
  decision: MigrationDecision;
  ways: ReactNode;
};

/** What a database needs before it can be used, and what stands in the way: somebody decides. */
export function MigrationScreen({ profile, server, decision, ways }: MigrationScreenProps) {
  const migrate = useMigrateDatabase();
  const [isAccepted, setIsAccepted] = useState(false);
  const openAgain = useOpenAgain();
  const error = migrate.error ?? openAgain.error;
  const { title, message, verb } = migrationWords(decision.state);
  const others = otherTableCount(decision);
  const { obstacle, missing_roles } = decision;
  const canBeHelped = obstacle !== null || missing_roles.length > 0;
  const forbidden =
    obstacle ?? (others > 0 && !isAccepted ? "Say first that it is the right database." : null);

  return (
    <Screen
      icon={IconDatabase}
      tone={obstacle !== null || others > 0 ? "warn" : "quiet"}
      title={title}
      about={<AboutProfile profile={profile} server={server} />}
    >
      <ScreenMessage>{message}</ScreenMessage>
      <div className={classes.notes}>
        {others > 0 && (
          <section className={classes.note} aria-label="Other tables">
            <h2>
              <IconAlertTriangle size={15} aria-hidden />
              {otherTablesText(others)}
            </h2>
            <p>
              It belongs to something else, perhaps. A registry beside that shares its space and its backups.
            </p>
            <Checkbox
              className={classes.accept ?? ""}
              size="xs"
              label="It is the right database all the same"
              checked={isAccepted}
              onChange={(event) => setIsAccepted(event.currentTarget.checked)}
            />
          </section>
        )}
        {obstacle !== null && (
          <section className={classes.note} data-tone="bad" aria-label="Obstacle" role="alert">
            <h2>
              <IconAlertTriangle size={15} aria-hidden />
              This login can't do it
            </h2>
            <p>{obstacle}</p>
            <CopyButton size="compact-xs" mt={8} text={obstacle}>
              Copy for the administrator
            </CopyButton>
          </section>
        )}
        {missing_roles.length > 0 && <MissingRoles roles={missing_roles} />}
        {error && <ErrorNote error={toErrorReport(error)} />}
      </div>
      <ScreenButtons>
        {verb !== null && (
          <GuardedButton forbidden={forbidden} loading={migrate.isPending} onClick={() => migrate.mutate()}>
            {verb}
          </GuardedButton>
        )}
        {canBeHelped && (
          <Button
            size="xs"
            variant="default"
            loading={openAgain.isPending}
            leftSection={<IconRefresh size={14} aria-hidden />}
            onClick={() => openAgain.mutate(profile)}
          >
            Look again
          </Button>
        )}
        {ways}
      </ScreenButtons>
      <PendingMigrations migrations={pendingOf(decision.state)} />
    </Screen>
  );
}

/** What an administrator runs first, or rights are lost. */
function MissingRoles({ roles }: { roles: readonly MissingRole[] }) {
  const statements = roles.map(({ statement }) => statement).join("\n");
  const names = roles.map(({ name }) => name).join(", ");
  return (
    <section className={classes.note} aria-label="Missing roles">
      <h2>
        <IconAlertTriangle size={15} aria-hidden />
        {roles.length === 1 ? "A role is missing" : "Roles are missing"} that this login can't make
      </h2>
      <p>
        The server has no {names}. The rights that are given to {roles.length === 1 ? "it" : "them"} are lost,
        unless an administrator runs this before:
      </p>
      <pre>{statements}</pre>
      <CopyButton size="compact-xs" text={statements}>
        Copy for the administrator
      </CopyButton>
    </section>
  );
}
