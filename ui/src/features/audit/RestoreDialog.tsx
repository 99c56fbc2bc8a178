import { Button, Checkbox, Modal, PasswordInput, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { useConnectionProfile } from "../../api/application";
import { changeNote, useRestoreExtension } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import { useExtensionDifference } from "../../api/timeTravel";
import type { AuditEntry, ErrorReport, FieldChange } from "../../bindings";
import { ChangeDiff } from "../../ui/ChangeDiff";
import { ErrorNote } from "../../ui/ErrorNote";
import { ErrorState } from "../../ui/ErrorState";
import { placeName } from "../../ui/fieldChanges";
import { groupedCount } from "../../ui/figures";
import { isolated } from "../../ui/isolated";
import { notifyDone } from "../../ui/notify";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { TrafficEffectsNote } from "../../ui/TrafficEffects";
import { useConfirmation } from "../../ui/useConfirmation";
import classes from "./Dialogs.module.css";

const fieldNames: Record<string, string> = {
  subject: "Subject",
  timeout_ms: "Timeout",
  retry: "Retries",
  enabled: "State",
  config: "Configuration",
  metadata: "Metadata",
};

type RestoreDialogProps = { entry: AuditEntry; onClose: () => void };

/** What would change if this version came back, field by field. */
export function RestoreDialog({ entry, onClose }: RestoreDialogProps) {
  const difference = useExtensionDifference(entry.extension_id, "now", {
    kind: "revision",
    value: entry.revision,
  });
  const title = `Restore ${isolated(entry.extension_id)} as of #${groupedCount(entry.revision)}`;
  return (
    <Modal opened onClose={onClose} size={640} title={title}>
      {difference.data ? (
        <Review entry={entry} changes={difference.data} onClose={onClose} />
      ) : difference.error ? (
        <ErrorState
          tried="That version could not be compared"
          error={toErrorReport(difference.error)}
          onRetry={() => void difference.refetch()}
        />
      ) : (
        <SkeletonRows label="Comparing with that version" count={3} />
      )}
    </Modal>
  );
}

type Field = { name: string; changes: FieldChange[] };

function Review({ entry, changes, onClose }: RestoreDialogProps & { changes: FieldChange[] }) {
  // What is not there now comes back whole: only its id can tell.
  const isGone = changes.some((change) => change.path === "/id");
  const fields = useMemo(() => byField(changes), [changes]);
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [reason, setReason] = useState("");
  const [note] = useState(() => changeNote());
  const [secretPaths, setSecretPaths] = useState<readonly string[]>([]);
  const [secrets, setSecrets] = useState<Record<string, string>>({});
  const [error, setError] = useState<ErrorReport | null>(null);
  const profile = useConnectionProfile();
  const { effects, confirmed, takeEffects } = useConfirmation();
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
    notifyDone(
      <>
        Restored <code>{entry.extension_id}</code> as of #{groupedCount(entry.revision)}
      </>,
    );
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
          : "− is now, + is what comes back. Only the fields that are ticked are brought back."}
      </p>
      {fields.map((field) => (
        <div key={field.name} className={classes.field} data-field={field.name}>
          {isGone ? (
            <span className={classes.fieldName}>{fieldNames[field.name]}</span>
          ) : (
            <Checkbox
              size="xs"
              label={fieldNames[field.name]}
              checked={!left.has(field.name)}
              onChange={(event) => {
                const next = new Set(left);
                if (event.currentTarget.checked) next.delete(field.name);
                else next.add(field.name);
                setLeft(next);
              }}
            />
          )}
          <ChangeDiff label={`${fieldNames[field.name]}: now and then`} changes={field.changes} />
        </div>
      ))}
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
        placeholder={profile.reason_required ? "required" : "optional"}
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      {effects && <TrafficEffectsNote effects={effects} way="off" />}
      {error && <ErrorNote error={error} />}
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
          {isGone ? "Restore it" : `Restore ${chosen.length} of ${fields.length}`}
        </Button>
      </div>
    </form>
  );
}

/** The changes of each field that can be brought back. */
function byField(changes: readonly FieldChange[]): Field[] {
  return Object.keys(fieldNames)
    .map((name) => ({
      name,
      changes: changes.filter(({ path }) => path === `/${name}` || path.startsWith(`/${name}/`)),
    }))
    .filter((field) => field.changes.length > 0);
}
