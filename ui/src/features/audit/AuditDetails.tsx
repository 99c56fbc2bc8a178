import { Button } from "@mantine/core";
import { useAllowed } from "../../api/access";
import type { AuditEntry } from "../../bindings";
import { Fact, Facts } from "../../ui/Facts";
import { groupedCount } from "../../ui/figures";
import { GuardedButton } from "../../ui/GuardedButton";
import { Identifier } from "../../ui/Identifier";
import { IconArrowBackUp, IconClockEdit, IconHistory } from "../../ui/icons";
import { Timestamp } from "../../ui/Timestamp";
import classes from "./AuditDetails.module.css";
import { howKnown } from "./auditSentence";
import { EntryComparison } from "./EntryComparison";
import { useTimelineActions } from "./timelineActions";
import { undoForbidden } from "./undoForbidden";

/** Who it was and how that is known, what exactly changed, and what can be done about it. */
export function AuditDetails({ entry }: { entry: AuditEntry }) {
  return (
    <>
      <div className={classes.details}>
        <EntryFacts entry={entry} />
        <EntryComparison entry={entry} />
      </div>
      <EntryTools entry={entry} />
    </>
  );
}

function EntryFacts({ entry }: { entry: AuditEntry }) {
  const fromLogin = entry.actor_source === "login";
  // A legacy program wrote a name of its own choosing and nothing about its connection.
  const connectionKnown = entry.actor_source !== "legacy";
  return (
    <Facts>
      <Fact name={fromLogin ? "Login" : "Name given"}>{entry.changed_by ?? "not recorded"}</Fact>
      {entry.actor_source === "claimed" && <Fact name="Server's login">{entry.login ?? "not recorded"}</Fact>}
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
  );
}

function EntryTools({ entry }: { entry: AuditEntry }) {
  const { undo, restore, openAsOf } = useTimelineActions();
  const allowed = useAllowed();
  return (
    <div className={classes.tools}>
      <GuardedButton
        size="compact-xs"
        variant="default"
        leftSection={<IconArrowBackUp size={13} aria-hidden />}
        aria-keyshortcuts="u"
        forbidden={undoForbidden([entry], allowed)}
        onClick={() => undo({ kind: "entry", entry })}
      >
        Undo this change
      </GuardedButton>
      <GuardedButton
        size="compact-xs"
        variant="default"
        leftSection={<IconHistory size={13} aria-hidden />}
        forbidden={leavesNothing(entry) ?? allowed.editing}
        onClick={() => restore(entry)}
      >
        Restore this version
      </GuardedButton>
      <Button
        size="compact-xs"
        variant="subtle"
        leftSection={<IconClockEdit size={13} aria-hidden />}
        onClick={() => openAsOf(entry.revision)}
      >
        Registry as of here
      </Button>
    </div>
  );
}

/** Why there is no version to bring back; null where there is. */
function leavesNothing(entry: AuditEntry): string | null {
  if (entry.action === "deleted")
    return "This change deleted the extension: it left no version. Undo it to bring the extension back.";
  if (entry.actor_source === "legacy")
    return "A legacy program wrote this entry by itself: its version is not known.";
  return null;
}
