import { Button } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useConnectionState } from "../../api/connectionState";
import { useDatabase } from "../../api/database";
import type { OpenConnection } from "../../bindings";
import {
  placeText,
  pollingWords,
  serverRoleWords,
  tlsConsequences,
  tlsModeWords,
} from "../../ui/connectionWords";
import { Fact, Facts } from "../../ui/Facts";
import { counted } from "../../ui/figures";
import { Identifier } from "../../ui/Identifier";
import { IconSwitchHorizontal } from "../../ui/icons";
import { ProfileMark } from "../../ui/ProfileMark";
import { Section } from "./Section";
import classes from "./Settings.module.css";

export function DatabaseSection() {
  const status = useDatabase().progress?.status;
  const navigate = useNavigate();
  if (status?.state !== "ready") return null;
  const { connection } = status;
  const isEmbedded = connection.profile.database.kind === "embedded";
  return (
    <Section title="Database">
      <Facts>
        <Fact name="Connection">
          <div className={classes.folder}>
            <span className={classes.choice}>
              <ProfileMark colour={connection.profile.colour} />
              <bdi>{connection.profile.label}</bdi>
            </span>
            <Button
              size="compact-xs"
              variant="default"
              leftSection={<IconSwitchHorizontal size={13} aria-hidden />}
              onClick={() => void navigate({ to: "/connections" })}
            >
              Connections
            </Button>
          </div>
        </Fact>
        <Fact name="Protection">{protectionText(connection)}</Fact>
        <Fact name="Server">
          PostgreSQL {status.server_version}
          {isEmbedded && ", embedded"}
        </Fact>
        {isEmbedded ? (
          <Fact name="Started by">{status.shared ? "another window of yours, shared" : "this window"}</Fact>
        ) : (
          <RemoteFacts connection={connection} />
        )}
        <Fact name="Database">
          <Identifier label="database" value={status.database} />
        </Fact>
        <Fact name="Login">
          <Identifier label="login" value={status.login} />
        </Fact>
        <Fact name="OS user">
          <Identifier label="OS user" value={status.os_user} />
        </Fact>
        {status.data_directory !== null && (
          <Fact name="Data directory">
            <Identifier label="data directory" value={status.data_directory} />
          </Fact>
        )}
      </Facts>
    </Section>
  );
}

/** What the registry asks of those who change it from here; the form of the connection changes it. */
function protectionText({ profile }: OpenConnection): string {
  const asks = [
    profile.is_production && "production: asks before each switch off and each deletion",
    profile.is_reason_required && "refuses every change without a reason",
  ].filter((words) => words !== false);
  return asks.length === 0 ? "none; it is chosen with the connection" : asks.join("; ");
}

/** How a database elsewhere is reached. */
function RemoteFacts({ connection }: { connection: OpenConnection }) {
  const { profile, server, tls_mode, is_tls_weak, read_only_reason, can_listen } = connection;
  const state = useConnectionState();
  return (
    <>
      <Fact name="Place">
        <Identifier label="place" value={placeText(profile)} />
      </Fact>
      <Fact name="Used now">
        {state?.server ?? server}
        {state && `, ${serverRoleWords[state.role]}`}
        {state !== null &&
          state.reconnect_count > 0 &&
          `, found anew ${counted(state.reconnect_count, "time")}`}
      </Fact>
      <Fact name="Encryption (TLS)">
        {tls_mode === null ? "not needed on a socket" : `${tls_mode}: ${tlsModeWords[tls_mode]}`}
        {is_tls_weak && tls_mode !== null && (
          <span className={classes.weak}> {tlsConsequences[tls_mode]}</span>
        )}
      </Fact>
      {read_only_reason !== null && <Fact name="Read-only">{read_only_reason}</Fact>}
      {!can_listen && <Fact name="Changes">{pollingWords}</Fact>}
    </>
  );
}
