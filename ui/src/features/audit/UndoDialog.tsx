import { Button, Modal, TextInput } from "@mantine/core";
import { useState } from "react";
import { changeNote, useUndoChanges } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import { useConnectionProfile } from "../../api/connections";
import type { AuditEntry, ErrorReport, FieldChange, UndoTarget } from "../../bindings";
import { ChangeDiff } from "../../ui/ChangeDiff";
import { actor } from "../../ui/changeWords";
import { ErrorNote } from "../../ui/ErrorNote";
import { placeName } from "../../ui/fieldChanges";
import { counted, groupedCount } from "../../ui/figures";
import { isolated } from "../../ui/isolated";
import { notifyDone } from "../../ui/notify";
import { TrafficEffectsNote } from "../../ui/TrafficEffects";
import { useConfirmation } from "../../ui/useConfirmation";
import { groupSize } from "./auditSentence";
import classes from "./Dialogs.module.css";
import { type UndoSubject, useTimelineActions } from "./timelineActions";

/** What is about to be taken back, and why it could not be. */
export function UndoDialog({ subject, onClose }: { subject: UndoSubject; onClose: () => void }) {
  const undo = useUndoChanges();
  const [reason, setReason] = useState("");
  // The same name for every try: a change whose answer was lost is not made twice.
  const [note] = useState(() => changeNote());
  const [error, setError] = useState<ErrorReport | null>(null);
  const profile = useConnectionProfile();
  const { effects, confirmed, takeEffects } = useConfirmation();
  const target = targetOf(subject);

  async function submit() {
    setError(null);
    try {
      const ids = await undo.mutateAsync({
        target,
        note: { ...note, confirmed, reason: reason.trim() || null },
      });
      notifyDone(
        <>
          Undone: {ids.length === 1 ? <code>{ids[0]}</code> : counted(ids.length, "extension")}{" "}
          {ids.length === 1 ? "is" : "are"} as before
        </>,
      );
      onClose();
    } catch (thrown) {
      const refused = toErrorReport(thrown);
      if (!takeEffects(refused)) setError(refused);
    }
  }

  return (
    <Modal opened onClose={onClose} size={600} title={titleOf(subject)}>
      <form
        className={classes.stack}
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Effect subject={subject} />
        <TextInput
          label="Reason, for the audit log"
          size="xs"
          placeholder={profile.is_reason_required ? "required" : "optional"}
          maxLength={500}
          data-autofocus
          error={error?.field === "reason" && error.message}
          value={reason}
          onChange={(event) => {
            setReason(event.currentTarget.value);
            if (error?.field === "reason") setError(null);
          }}
        />
        {effects && <TrafficEffectsNote effects={effects} way={wayOf(subject)} />}
        {error && error.field !== "reason" && <UndoError error={error} onLeave={onClose} />}
        <div className={classes.actions}>
          <Button size="xs" variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            size="xs"
            type="submit"
            loading={undo.isPending}
            {...(effects && { color: "var(--bad-strong)" })}
          >
            {subject.kind === "entry" ? "Undo this change" : "Undo the whole group"}
          </Button>
        </div>
      </form>
    </Modal>
  );
}

function targetOf(subject: UndoSubject): UndoTarget {
  if (subject.kind === "group") return { kind: "group", value: subject.groupId };
  return { kind: "revision", value: subject.entry.revision };
}

/** What becomes of what goes out of service by it. */
function wayOf(subject: UndoSubject): "off" | "deleted" {
  const entries = subject.kind === "group" ? subject.entries : [subject.entry];
  return entries.every(({ action }) => action === "created") ? "deleted" : "off";
}

function titleOf(subject: UndoSubject): string {
  if (subject.kind === "group") return "Undo a group of changes";
  return `Undo #${groupedCount(subject.entry.revision)}`;
}

function Effect({ subject }: { subject: UndoSubject }) {
  if (subject.kind === "group") {
    const [head] = subject.entries;
    return (
      <>
        <p className={classes.text}>
          Everything that this group changed goes back to what it was before, all of it or nothing:{" "}
          {groupSize(subject.entries, subject.continues)}
          {head && `, changed by ${actor(head)}`}.
        </p>
        <p className={classes.ids}>
          {[...new Set(subject.entries.map((entry) => entry.extension_id))].join(", ")}
        </p>
      </>
    );
  }
  const { entry } = subject;
  return (
    <>
      <p className={classes.text}>{effectWords(entry)}</p>
      <ChangeDiff label="What the undo changes" changes={entry.changes.map(turned)} />
    </>
  );
}

function effectWords(entry: AuditEntry): string {
  const id = isolated(entry.extension_id);
  switch (entry.action) {
    case "created":
      return `${id} is removed again. Its history stays.`;
    case "deleted":
      return `${id} comes back as it was.`;
    case "enabled":
      return `${id} is switched off again.`;
    case "disabled":
      return `${id} is switched on again.`;
    case "updated":
      return `${id} gets back ${entry.changes.length === 1 && entry.changes[0] ? placeName(entry.changes[0]) : counted(entry.changes.length, "value")}.`;
  }
}

function turned(change: FieldChange): FieldChange {
  return { path: change.path, before: change.after, after: change.before };
}

/** The two refusals that somebody can do something about are told in full; the others as they come. */
function UndoError({ error, onLeave }: { error: ErrorReport; onLeave: () => void }) {
  const { filterBy } = useTimelineActions();
  if (error.facts?.kind === "extension_ids") {
    return (
      <div className={classes.refusal} role="alert">
        <strong>Changed again since, so nothing was undone:</strong>
        <ul>
          {error.facts.value.map((id) => (
            <li key={id}>
              <code>{id}</code>
              {filterBy && (
                <Button
                  size="compact-xs"
                  variant="subtle"
                  onClick={() => {
                    filterBy({ extension: id, group: undefined });
                    onLeave();
                  }}
                >
                  See its history
                </Button>
              )}
            </li>
          ))}
        </ul>
        <p>
          Look at what came after. Undo that first, or bring an earlier version back with “Restore this
          version”.
        </p>
      </div>
    );
  }
  if (error.facts?.kind === "secret_paths") {
    return (
      <div className={classes.refusal} role="alert">
        <strong>A secret would have to come back that the registry doesn't keep any more:</strong>
        <ul>
          {error.facts.value.map((path) => (
            <li key={path}>
              <code>{placeName({ path, before: null, after: null })}</code>
            </li>
          ))}
        </ul>
        <p>
          The log holds fingerprints of secrets, never the secrets. Use “Restore this version” on an earlier
          entry: there you can give the secret.
        </p>
      </div>
    );
  }
  return <ErrorNote error={error} />;
}
