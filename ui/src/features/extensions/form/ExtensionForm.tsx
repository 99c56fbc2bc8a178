import { Button, Checkbox, Modal, NumberInput, Select, Textarea, TextInput } from "@mantine/core";
import { useDebouncedValue, useWindowEvent } from "@mantine/hooks";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { useConnectionProfile } from "../../../api/application";
import { toErrorReport } from "../../../api/command";
import {
  useConfigurationCheck,
  useConfigurationSchema,
  useCreateExtension,
  useExtensionDetail,
  useExtensions,
  useSecretNames,
  useUpdateExtension,
} from "../../../api/extensions";
import type {
  ErrorReport,
  ExtensionDetail,
  ExtensionType,
  RevisionConflict,
  Violation,
} from "../../../bindings";
import { ChangeDiff } from "../../../ui/ChangeDiff";
import { IconAlertTriangle } from "../../../ui/icons";
import { isolated } from "../../../ui/isolated";
import { JsonEditor } from "../../../ui/JsonEditor";
import { pointerParts } from "../../../ui/jsonChanges";
import { marksIn } from "../../../ui/jsonText";
import { notifyDone } from "../../../ui/notify";
import { TrafficEffectsNote } from "../../../ui/TrafficEffects";
import { useConfirmation } from "../../../ui/useConfirmation";
import { extensionTypes } from "../extensionQuery";
import {
  type ExtensionFields,
  type FieldErrors,
  type FieldName,
  fieldErrors,
  retryRange,
  timeoutRange,
} from "../extensionRules";
import { ConfigurationField } from "./ConfigurationField";
import { ConflictView } from "./ConflictView";
import {
  type Draft,
  fieldsOf,
  forgetDraft,
  formChanges,
  keepDraft,
  newFields,
  patchOf,
  readDraft,
} from "./draft";
import classes from "./ExtensionForm.module.css";
import { type SchemaField, schemaFields } from "./schemaFields";

/** What the form is for: a new extension, perhaps begun from another, or one that is there. */
export type FormTarget =
  | { kind: "create"; from: ExtensionDetail | null }
  | { kind: "edit"; detail: ExtensionDetail };

type ExtensionFormProps = { target: FormTarget; onClose: (savedId: string | null) => void };

/** How long typing pauses before what was typed is kept and checked. */
const pauseMs = 300;

export function ExtensionForm({ target, onClose }: ExtensionFormProps) {
  const [seen, setSeen] = useState(target.kind === "edit" ? target.detail : null);
  const base = useMemo(() => (seen ? fieldsOf(seen) : null), [seen]);
  const initial = base ?? newFields(target.kind === "create" ? target.from : null);
  const draftKey = target.kind === "edit" ? `edit ${target.detail.extension.id}` : "create";
  const [fields, setFields] = useState<ExtensionFields>(initial);
  const [offered, setOffered] = useState<Draft | null>(() => readDraft(draftKey));
  const [touched, setTouched] = useState<ReadonlySet<FieldName>>(new Set());
  const [reviewing, setReviewing] = useState(false);
  const [leaving, setLeaving] = useState(false);
  const [reason, setReason] = useState("");
  const [failure, setFailure] = useState<ErrorReport | null>(null);
  const [conflict, setConflict] = useState<RevisionConflict | null>(null);
  const profile = useConnectionProfile();
  const { effects, confirmed, takeEffects } = useConfirmation();
  const create = useCreateExtension();
  const update = useUpdateExtension();

  const rows = useExtensions().data;
  const others = useMemo(() => rows?.filter(({ id }) => id !== base?.id) ?? [], [rows, base]);
  const surroundings = { others, read: base };
  const errors = fieldErrors(fields, surroundings);
  const changes = formChanges(base, fields);
  const isDirty = base ? changes.length > 0 : JSON.stringify(fields) !== JSON.stringify(newFields(null));
  const [settled] = useDebouncedValue(fields, pauseMs);
  const isJson = fieldErrors(settled, surroundings).config === undefined;
  const check = useConfigurationCheck(settled.id, settled.type, settled.config, isJson);
  const schema = useConfigurationSchema(settled.id, settled.type);
  const schemaParts = useMemo(() => schemaFields(schema.data), [schema.data]);
  const violations = useMemo(
    () => (settled.config === fields.config ? visibleViolations(check.data ?? [], fields.config) : []),
    [check.data, settled.config, fields.config],
  );
  const secretNames = useSecretNames();
  const knowsSecrets = !schema.isPending && !secretNames.isPending;

  useEffect(() => {
    if (!isDirty || !knowsSecrets) return;
    const names = [
      ...(secretNames.data ?? []).map(({ name }) => name),
      ...schemaParts.filter(({ isSecret }) => isSecret).map(({ name }) => name),
    ];
    keepDraft(draftKey, { fields: settled, revision: seen?.extension.revision ?? null }, names);
  }, [draftKey, isDirty, knowsSecrets, seen, settled, secretNames.data, schemaParts]);

  function set<Name extends FieldName>(name: Name, value: ExtensionFields[Name]) {
    setFields((current) => ({ ...current, [name]: value }));
    setTouched((current) => new Set(current).add(name));
    setFailure(null);
  }
  function finish(savedId: string | null) {
    forgetDraft(draftKey);
    onClose(savedId);
  }
  function close() {
    if (isDirty && !leaving) setLeaving(true);
    else finish(null);
  }
  function failed(thrown: unknown) {
    const error = toErrorReport(thrown);
    if (error.facts?.kind === "conflict") setConflict(error.facts.value);
    else if (!takeEffects(error)) {
      setFailure(error);
      if (error.field !== null && error.field in fields) setReviewing(false);
    }
  }
  function save(from: ExtensionFields = fields, on: ExtensionDetail | null = seen) {
    setFailure(null);
    if (on) {
      update.mutate(
        {
          seen: { id: on.extension.id, revision: on.extension.revision },
          patch: patchOf(fieldsOf(on), from),
          answer: { reason, confirmed },
        },
        { onSuccess: () => saved(from.id, "Saved"), onError: failed },
      );
    } else {
      create.mutate(
        {
          draft: { ...from, timeout_ms: Number(from.timeout_ms), retry: Number(from.retry) },
          answer: { reason, confirmed },
        },
        { onSuccess: () => saved(from.id, "Created"), onError: failed },
      );
    }
  }
  function saved(id: string, word: string) {
    notifyDone(
      <>
        {word} <code>{id}</code>
      </>,
    );
    finish(id);
  }

  const isSaving = create.isPending || update.isPending;
  const blocked = Object.keys(errors).length > 0;
  // In the whole window: what had the focus may be gone with the step before.
  useWindowEvent("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    if (blocked || isSaving || conflict || (base && changes.length === 0)) return;
    event.preventDefault();
    if (reviewing) save();
    else setReviewing(true);
  });
  const title = base ? `Edit ${isolated(base.id)}` : "New extension";
  const errorOf = (name: FieldName): ReactNode =>
    failure?.field === name ? failure.message : touched.has(name) || reviewing ? errors[name] : undefined;

  return (
    <Modal opened onClose={close} title={title} size="min(1120px, 94vw)" closeOnClickOutside={false}>
      {conflict ? (
        <ConflictView
          conflict={conflict}
          yours={fields}
          isSaving={isSaving}
          onBack={() => setConflict(null)}
          onSave={(resolved) => {
            setConflict(null);
            setFields(resolved);
            setSeen(conflict.current);
            save(resolved, conflict.current);
          }}
        />
      ) : (
        <>
          {offered && (
            <Notice>
              What you typed before is still here.
              <Button
                size="compact-xs"
                variant="default"
                onClick={() => {
                  setFields(offered.fields);
                  setOffered(null);
                }}
              >
                Go on with it
              </Button>
              <Button
                size="compact-xs"
                variant="subtle"
                onClick={() => {
                  forgetDraft(draftKey);
                  setOffered(null);
                }}
              >
                Discard it
              </Button>
            </Notice>
          )}
          {seen && <ChangedMeanwhile seen={seen} />}
          {failure && failure.field === null && (
            <Notice>
              {failure.message} {failure.action}
            </Notice>
          )}
          {reviewing ? (
            <div className={classes.review}>
              <h3>{base ? "What changes" : "What is created"}</h3>
              <ChangeDiff changes={changes} />
              {effects && !fields.enabled && <TrafficEffectsNote effects={effects} way="off" />}
              <Textarea
                ref={focusWhenShown}
                label={profile.reason_required ? "Reason" : "Reason (optional)"}
                withAsterisk={profile.reason_required}
                error={failure?.field === "reason" && failure.message}
                description="Why, for the audit log; at most 500 characters"
                maxLength={500}
                autosize
                minRows={2}
                value={reason}
                onChange={(event) => setReason(event.currentTarget.value)}
              />
            </div>
          ) : (
            <Fields
              fields={fields}
              isNew={base === null}
              schema={schema.data ?? null}
              schemaParts={schemaParts}
              errorOf={errorOf}
              violations={violations}
              set={set}
            />
          )}
          <footer className={classes.footer}>
            {leaving ? (
              <>
                <span className={classes.question}>What you typed is not saved.</span>
                <Button size="xs" variant="default" onClick={() => setLeaving(false)}>
                  Keep editing
                </Button>
                <Button size="xs" color="red" onClick={() => finish(null)}>
                  Discard changes
                </Button>
              </>
            ) : reviewing ? (
              <>
                <Button size="xs" variant="default" onClick={() => setReviewing(false)}>
                  Back
                </Button>
                <Button size="xs" loading={isSaving} onClick={() => save()} aria-keyshortcuts="Control+Enter">
                  {base ? (effects && !fields.enabled ? "Save and switch off" : "Save") : "Create"}
                </Button>
              </>
            ) : (
              <>
                <Button size="xs" variant="default" onClick={close}>
                  Cancel
                </Button>
                <Button
                  size="xs"
                  disabled={blocked || (base !== null && changes.length === 0)}
                  title={explain(errors, base !== null && changes.length === 0)}
                  onClick={() => setReviewing(true)}
                  aria-keyshortcuts="Control+Enter"
                >
                  Review
                </Button>
              </>
            )}
          </footer>
        </>
      )}
    </Modal>
  );
}

/** What comes next is to write why, or to save. */
function focusWhenShown(area: HTMLTextAreaElement | null) {
  area?.focus();
}

function explain(errors: FieldErrors, isUnchanged: boolean): string | undefined {
  const names = Object.keys(errors);
  if (names.length > 0) return `Not yet right: ${names.join(", ")}`;
  return isUnchanged ? "Nothing has changed" : undefined;
}

type FieldsProps = {
  fields: ExtensionFields;
  isNew: boolean;
  schema: string | null;
  schemaParts: readonly SchemaField[];
  errorOf: (name: FieldName) => ReactNode;
  violations: readonly Violation[];
  set: <Name extends FieldName>(name: Name, value: ExtensionFields[Name]) => void;
};

function Fields({ fields, isNew, schema, schemaParts, errorOf, violations, set }: FieldsProps) {
  return (
    <div className={classes.columns}>
      <div className={classes.fields}>
        {isNew && (
          <div className={classes.pair}>
            <TextInput
              label="Id"
              size="xs"
              data-autofocus
              spellCheck={false}
              classNames={{ input: classes.mono }}
              value={fields.id}
              error={errorOf("id")}
              onChange={(event) => set("id", event.currentTarget.value)}
            />
            <Select
              label="Type"
              size="xs"
              data={[...extensionTypes]}
              allowDeselect={false}
              value={fields.type}
              onChange={(value) => value && set("type", value as ExtensionType)}
            />
          </div>
        )}
        <TextInput
          label="Subject"
          size="xs"
          data-autofocus={!isNew || undefined}
          description="The NATS subject that it answers on"
          spellCheck={false}
          classNames={{ input: classes.mono }}
          value={fields.subject}
          error={errorOf("subject")}
          onChange={(event) => set("subject", event.currentTarget.value)}
        />
        <div className={classes.pair}>
          <NumberInput
            label="Timeout"
            size="xs"
            suffix=" ms"
            allowDecimal={false}
            clampBehavior="none"
            {...timeoutRange}
            value={fields.timeout_ms}
            error={errorOf("timeout_ms")}
            onChange={(value) => set("timeout_ms", value === "" ? "" : Number(value))}
          />
          <NumberInput
            label="Retries"
            size="xs"
            allowDecimal={false}
            clampBehavior="none"
            {...retryRange}
            value={fields.retry}
            error={errorOf("retry")}
            onChange={(value) => set("retry", value === "" ? "" : Number(value))}
          />
        </div>
        <Checkbox
          size="xs"
          label="On: routers use it"
          checked={fields.enabled}
          onChange={(event) => set("enabled", event.currentTarget.checked)}
        />
        <JsonEditor
          label="Metadata"
          value={fields.metadata}
          error={errorOf("metadata")}
          onChange={(value) => set("metadata", value)}
        />
      </div>
      <ConfigurationField
        config={fields.config}
        schema={schema}
        schemaParts={schemaParts}
        violations={violations}
        error={errorOf("config")}
        onChange={(value) => set("config", value)}
      />
    </div>
  );
}

/** What the schema says against the configuration; a secret that is kept out of sight is not checked by its mark. */
function visibleViolations(violations: readonly Violation[], config: string): Violation[] {
  const hidden = new Set(marksIn(config).map(({ path }) => JSON.stringify(path)));
  return violations.filter(({ path }) => !hidden.has(JSON.stringify(pointerParts(path))));
}

/** Says that somebody else changed the extension; what was typed stays, and is merged when it is saved. */
function ChangedMeanwhile({ seen }: { seen: ExtensionDetail }) {
  const now = useExtensionDetail(seen.extension.id).data;
  if (!now || now.extension.revision <= seen.extension.revision) return null;
  return (
    <Notice>
      {now.extension.last_change?.changed_by ?? "Somebody"} changed this extension meanwhile. What you typed
      is untouched; saving merges both, and asks where both changed the same.
    </Notice>
  );
}

function Notice({ children }: { children: ReactNode }) {
  return (
    <div className={classes.notice} role="status">
      <IconAlertTriangle size={15} aria-hidden />
      {children}
    </div>
  );
}
