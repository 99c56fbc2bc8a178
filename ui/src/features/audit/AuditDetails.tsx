import type { AuditEntry } from "../../bindings";
import { ChangeDiff } from "../../ui/ChangeDiff";
import { Fact, Facts } from "../../ui/Facts";
import { groupedCount } from "../../ui/figures";
import { Identifier } from "../../ui/Identifier";
import { Timestamp } from "../../ui/Timestamp";
import classes from "./AuditDetails.module.css";
import { howKnown } from "./auditSentence";

/** Who it was and how that is known, and what exactly changed. */
export function AuditDetails({ entry }: { entry: AuditEntry }) {
  const fromLogin = entry.actor_source === "login";
  // A legacy program wrote a name of its own choosing and nothing about its connection.
  const connectionKnown = entry.actor_source !== "legacy";
  return (
    <div className={classes.details}>
      <Facts>
        <Fact name={fromLogin ? "Login" : "Name given"}>{entry.changed_by ?? "not recorded"}</Fact>
        {entry.actor_source === "claimed" && (
          <Fact name="Server's login">{entry.login ?? "not recorded"}</Fact>
        )}
        <Fact name="OS user">{entry.os_user ?? "not recorded"}</Fact>
        <Fact name="Application">{entry.application_name ?? "not recorded"}</Fact>
        <Fact name="Address">
          {entry.client_address ?? (connectionKnown ? "local socket" : "not recorded")}
        </Fact>
        <Fact name="How known">{howKnown(entry)}</Fact>
        <Fact name="Time">
          <Timestamp value={entry.timestamp} format="full" absent="not recorded" />
        </Fact>
        <Fact name="Sealed">
          <Timestamp value={entry.sealed_at} format="full" absent="not recorded" />
        </Fact>
        <Fact name="Revision">
          <Identifier label="revision" value={String(entry.revision)} />
        </Fact>
        {entry.restored_revision !== null && (
          <Fact name="Restores">#{groupedCount(entry.restored_revision)}</Fact>
        )}
        {entry.undone_revision !== null && (
          <Fact name="Takes back">#{groupedCount(entry.undone_revision)}</Fact>
        )}
        {entry.undone_group_id !== null && (
          <Fact name="Takes back">
            <Identifier label="group taken back" value={entry.undone_group_id} />
          </Fact>
        )}
        {entry.request_id !== null && (
          <Fact name="Request">
            <Identifier label="request" value={entry.request_id} />
          </Fact>
        )}
        {entry.group_id !== null && (
          <Fact name="Group">
            <Identifier label="group" value={entry.group_id} />
          </Fact>
        )}
      </Facts>
      <ChangeDiff changes={entry.changes} />
    </div>
  );
}
