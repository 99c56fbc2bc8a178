import { Button, Modal, PasswordInput, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { changeNote, useRestoreExtension } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import { useConnectionProfile } from "../../api/connections";
import { now, useExtensionComparison } from "../../api/timeTravel";
import type { AuditEntry, ErrorReport, ExtensionComparison } from "../../bindings";
import { ErrorNote } from "../../ui/ErrorNote";
import { ErrorState } from "../../ui/ErrorState";
import { placeName } from "../../ui/fieldChanges";
import { counted, groupedCount } from "../../ui/figures";
import { isolated } from "../../ui/isolated";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { TrafficEffectsNote } from "../../ui/TrafficEffects";
import { useConfirmation } from "../../ui/useConfirmation";
import { useUndoOffer } from "../extensions/useUndoOffer";
import classes from "./Dialogs.module.css";
import { RestoreFields, restorableFields } from "./RestoreFields";

type RestoreDialogProps = { entry: AuditEntry; onClose: () => void };

/** What would change if this version came back, field by field. */
export function RestoreDialog({ entry, onClose }: RestoreDialogProps) {
  const comparison = useExtensionComparison(entry.extension_id, now, {
    kind: "revision",
    value: entry.revision,
  });
  const title = `Restore ${isolated(entry.extension_id)} as of #${groupedCount(entry.revision)}`;
  return (
    <Modal opened onClose={onClose} size={860} title={title}>
      {comparison.data ? (
        <Review entry={entry} comparison={comparison.data} onClose={onClose} />
      ) : comparison.error ? (
        <ErrorState
          tried="That version could not be compared"
          error={toErrorReport(comparison.error)}
          onRetry={() => void comparison.refetch()}
        />
      ) : (
        <SkeletonRows label="Comparing with that version" count={3} />
      )}
    </Modal>
  );
}

function Review({ entry, comparison, onClose }: RestoreDialogProps & { comparison: ExtensionComparison }) {
  // What is not there now comes back whole.
  const isGone = comparison.before === null;
  const fields = useMemo(() => restorableFields(comparison.changes), [comparison]);
  // What is not ticked, so that a field that differs only now is.
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [reason, setReason] = useState("");
  const [note] = useState(() => changeNote());
  const [secretPaths, setSecretPaths] = useState<readonly string[]>([]);
  const [secrets, setSecrets] = useState<Record<string, string>>({});
  const [error, setError] = useState<ErrorReport | null>(null);
  const profile = useConnectionProfile();
  const { effects, confirmed, takeEffects } = useConfirmation();
  const offerUndo = useUndoOffer();
  const restore = useRestoreExtension();
  const chosen = isGone ? fields : fields.filter((field) => !left.has(field.name));
  const isOff = chosen.length === 0 || secretPaths.some((path) => !secrets[path]);

  async function submit() {
    setError(null);
    try {
      await restore.mutateAsync({
        request: {
          id: entry.extension_id,
          revision: entry.revision,
          fields: isGone ? null : chosen.map((field) => field.name),
          secrets: Object.fromEntries(secretPaths.map((path) => [path, JSON.stringify(secrets[path])])),
        },
        note: { ...note, confirmed, reason: reason.trim() || null },
      });
    } catch (thrown) {
      const refused = toErrorReport(thrown);
      if (refused.facts?.kind === "secret_paths") setSecretPaths(refused.facts.value);
      if (!takeEffects(refused)) setError(refused);
      return;
    }
    offerUndo({
      requestId: note.request_id,
      ids: [entry.extension_id],
      done: `Restored ${isolated(entry.extension_id)}`,
      message: (
        <>
          Restored <code>{entry.extension_id}</code> as of #{groupedCount(entry.revision)}
        </>
      ),
    });
    onClose();
  }

  if (fields.length === 0) {
    return (
      <p className={classes.text}>{entry.extension_id} is as it was then: there is nothing to restore.</p>
    );
  }
  return (
    <form
      className={classes.stack}
      onSubmit={(event) => {
        event.preventDefault();
        if (!isOff) void submit();
      }}
    >
      <p className={classes.text}>
        {isGone
          ? "It was deleted since. It comes back whole, as it was then."
          : "Only the fields that are ticked are brought back; the others stay as they are."}
      </p>
      <RestoreFields
        fields={fields}
        revision={entry.revision}
        chosen={isGone ? null : new Set(chosen.map(({ name }) => name))}
        onChoose={(ticked) =>
          setLeft(new Set(fields.map(({ name }) => name).filter((name) => !ticked.has(name))))
        }
      />
      {secretPaths.map((path) => (
        <PasswordInput
          key={path}
          size="xs"
          label={`Secret: ${placeName({ path, before: null, after: null })}`}
          description="The registry doesn't keep it any more. Write it, or a reference such as env:NAME."
          value={secrets[path] ?? ""}
          onChange={(event) => setSecrets({ ...secrets, [path]: event.currentTarget.value })}
        />
      ))}
      <TextInput
        label="Reason, for the audit log"
        size="xs"
        placeholder={profile.is_reason_required ? "required" : "optional"}
        maxLength={500}
        error={error?.field === "reason" && error.message}
        value={reason}
        onChange={(event) => {
          setReason(event.currentTarget.value);
          if (error?.field === "reason") setError(null);
        }}
      />
      {effects && <TrafficEffectsNote effects={effects} way="off" />}
      {error && error.field !== "reason" && <ErrorNote error={error} />}
      <div className={classes.actions}>
        <Button size="xs" variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button
          size="xs"
          type="submit"
          loading={restore.isPending}
          disabled={isOff}
          {...(effects && { color: "var(--bad-strong)" })}
        >
          {isGone ? "Restore it" : `Restore ${counted(chosen.length, "field")}`}
        </Button>
      </div>
    </form>
  );
}
