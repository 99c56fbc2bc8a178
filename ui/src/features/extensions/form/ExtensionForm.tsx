import { Button, Modal, Textarea } from "@mantine/core";
import { useDebouncedValue, useWindowEvent } from "@mantine/hooks";
import { type ReactNode, useMemo, useState } from "react";
import { toErrorReport } from "../../../api/command";
import { useConnectionProfile } from "../../../api/connections";
import { useDatabaseAway } from "../../../api/database";
import {
  useConfigurationCheck,
  useConfigurationSchema,
  useCreateExtension,
  useExtensions,
  useSecretNames,
  useUpdateExtension,
} from "../../../api/extensions";
import type { ErrorReport, ExtensionDetail, RevisionConflict, Violation } from "../../../bindings";
import { ChangeDiff } from "../../../ui/ChangeDiff";
import { ErrorNote } from "../../../ui/ErrorNote";
import { isolated } from "../../../ui/isolated";
import { pointerParts } from "../../../ui/jsonChanges";
import { marksIn } from "../../../ui/jsonText";
import { TrafficEffectsNote } from "../../../ui/TrafficEffects";
import { useConfirmation } from "../../../ui/useConfirmation";
import { type ExtensionFields, type FieldErrors, type FieldName, fieldErrors } from "../extensionRules";
import { useUndoOffer } from "../useUndoOffer";
import { ConflictView } from "./ConflictView";
import {
  type Draft,
  forgetDraft,
  formChanges,
  newFields,
  patchOf,
  readDraft,
  type Seen,
  seenOf,
  versionOf,
} from "./draft";
import classes from "./ExtensionForm.module.css";
import { FormFields } from "./FormFields";
import { ChangedMeanwhile, DraftOffer } from "./FormNotices";
import { GoneView } from "./GoneView";
import { LeaveQuestion } from "./LeaveQuestion";
import { schemaFields, secretFieldNames } from "./schemaFields";
import { useKeptDraft } from "./useKeptDraft";
import { useLeaving } from "./useLeaving";

/** What the form is for: a new extension, perhaps begun from another, or one that is there. */
export type FormTarget =
  | { kind: "create"; from: ExtensionDetail | null }
  | { kind: "edit"; detail: ExtensionDetail };

type ExtensionFormProps = { target: FormTarget; onClose: (savedId: string | null) => void };

/** How long typing pauses before what was typed is kept and checked. */
const pauseMs = 300;

export function ExtensionForm({ target, onClose }: ExtensionFormProps) {
  const [seen, setSeen] = useState(() => (target.kind === "edit" ? seenOf(target.detail) : null));
  const [blank] = useState(() => newFields(target.kind === "create" ? target.from : null));
  const base = seen?.fields ?? null;
  const [draftKey] = useState(() => keyOf(target));
  const [fields, setFields] = useState<ExtensionFields>(base ?? blank);
  const [offered, setOffered] = useState<Draft | null>(() => readDraft(draftKey, seen));
  const [touched, setTouched] = useState<ReadonlySet<FieldName>>(new Set());
  const [reviewing, setReviewing] = useState(false);
  const [reason, setReason] = useState("");
  const [failure, setFailure] = useState<ErrorReport | null>(null);
  const [conflict, setConflict] = useState<RevisionConflict | null>(null);
  const [isGone, setGone] = useState(false);
  const profile = useConnectionProfile();
  const { effects, confirmed, takeEffects } = useConfirmation();
  const offerUndo = useUndoOffer();
  const create = useCreateExtension();
  const update = useUpdateExtension();

  const rows = useExtensions().data;
  const others = useMemo(() => rows?.filter(({ id }) => id !== base?.id) ?? [], [rows, base]);
  const surroundings = { others, read: base };
  const errors = fieldErrors(fields, surroundings);
  const changes = formChanges(base, fields);
  const isDirty = (base ? changes.length > 0 : !isSame(fields, blank)) || reason !== "";
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
  const namesOfSecrets = useMemo(() => {
    if (schema.isPending || secretNames.isPending) return null;
    return [...(secretNames.data ?? []).map(({ name }) => name), ...secretFieldNames(schemaParts)];
  }, [schema.isPending, secretNames.isPending, secretNames.data, schemaParts]);
  const kept = useKeptDraft(draftKey, isDirty ? { fields, seen, reason, reviewing } : null, namesOfSecrets);

  function set<Name extends FieldName>(name: Name, value: ExtensionFields[Name]) {
    setFields((current) => ({ ...current, [name]: value }));
    setTouched((current) => new Set(current).add(name));
    setFailure(null);
  }
  const { leaving, close, letGo } = useLeaving(isDirty, () => finish(null));
  function finish(savedId: string | null) {
    letGo();
    // A draft that was not answered is still on offer the next time.
    if (offered === null) kept.forget();
    onClose(savedId);
  }
  function failed(thrown: unknown) {
    const error = toErrorReport(thrown);
    if (error.facts?.kind === "conflict") setConflict(error.facts.value);
    else if (error.code === "extension_not_found") setGone(true);
    else if (!takeEffects(error)) {
      setFailure(error);
      if (error.field !== null && error.field in fields) setReviewing(false);
    }
  }
  function save(from: ExtensionFields = fields, on: Seen | null = seen) {
    setFailure(null);
    if (on) {
      update.mutate(
        {
          seen: { id: on.id, revision: on.revision },
          patch: patchOf(on.fields, from),
          answer: { reason, confirmed },
        },
        { onSuccess: (requestId) => saved(from.id, "Saved", requestId), onError: failed },
      );
    } else {
      create.mutate(
        {
          draft: { ...from, timeout_ms: Number(from.timeout_ms), retry: Number(from.retry) },
          answer: { reason, confirmed },
        },
        { onSuccess: (requestId) => saved(from.id, "Created", requestId), onError: failed },
      );
    }
  }
  /** Goes on with what was merged, over what is there now. */
  function takeResult(resolved: ExtensionFields, current: Seen) {
    setConflict(null);
    setFields(resolved);
    setSeen(current);
  }
  function saved(id: string, word: string, requestId: string) {
    offerUndo({
      requestId,
      ids: [id],
      done: `${word} ${isolated(id)}`,
      message: (
        <>
          {word} <code>{id}</code>
        </>
      ),
    });
    finish(id);
  }

  const isSaving = create.isPending || update.isPending;
  const away = useDatabaseAway();
  const blocked = Object.keys(errors).length > 0 || offered !== null;
  // In the whole window: what had the focus may be gone with the step before.
  useWindowEvent("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    if (blocked || isSaving || conflict || isGone || leaving || (base && changes.length === 0)) return;
    event.preventDefault();
    if (reviewing && away === null) save();
    else setReviewing(true);
  });
  const title = base ? `Edit ${isolated(base.id)}` : "New extension";
  const errorOf = (name: FieldName): ReactNode =>
    failure?.field === name ? failure.message : touched.has(name) || reviewing ? errors[name] : undefined;

  return (
    <Modal opened onClose={close} title={title} size="min(1120px, 94vw)" closeOnClickOutside={false}>
      {isGone && seen ? (
        <GoneView
          id={seen.id}
          fields={fields}
          isAsked={leaving !== null}
          onCreate={() => {
            setGone(false);
            setSeen(null);
            setReviewing(false);
          }}
          onDiscard={() => finish(null)}
        />
      ) : conflict && seen ? (
        <ConflictView
          conflict={conflict}
          base={seen}
          yours={fields}
          isSaving={isSaving}
          isAsked={leaving !== null}
          away={away}
          onBack={() => setConflict(null)}
          onEdit={(resolved) => {
            takeResult(resolved, seenOf(conflict.current));
            setReviewing(false);
          }}
          onSave={(resolved) => {
            const current = seenOf(conflict.current);
            takeResult(resolved, current);
            save(resolved, current);
          }}
        />
      ) : (
        <>
          {offered && (
            <DraftOffer
              draft={offered}
              onTake={() => {
                setFields(offered.fields);
                setSeen(offered.seen);
                setReason(offered.reason);
                setReviewing(offered.reviewing);
                setOffered(null);
              }}
              onDiscard={() => {
                forgetDraft(draftKey);
                setOffered(null);
              }}
            />
          )}
          {seen && <ChangedMeanwhile seen={seen} onGone={() => setGone(true)} />}
          {failure && failure.field === null && <ErrorNote error={failure} />}
          {reviewing ? (
            <div className={classes.review}>
              <h3>{base ? "What changes" : "What is created"}</h3>
              <ChangeDiff
                changes={changes}
                plain={base === null}
                fields={base ? versionOf(fields) : undefined}
                sides={base ? { before: "As it is", after: "As it is to be" } : undefined}
                withLayoutSwitch
              />
              {effects && !fields.enabled && <TrafficEffectsNote effects={effects} way="off" />}
              <Textarea
                ref={focusWhenShown}
                label={profile.is_reason_required ? "Reason" : "Reason (optional)"}
                withAsterisk={profile.is_reason_required}
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
            <div className={classes.body} inert={offered !== null}>
              <FormFields
                fields={fields}
                isNew={base === null}
                schema={schema.data ?? null}
                schemaParts={schemaParts}
                errorOf={errorOf}
                violations={violations}
                set={set}
              />
            </div>
          )}
          {!leaving && (
            <footer className={classes.footer}>
              {reviewing ? (
                <>
                  <Button size="xs" variant="default" onClick={() => setReviewing(false)}>
                    Back
                  </Button>
                  <Button
                    size="xs"
                    loading={isSaving}
                    disabled={away !== null}
                    title={away ?? undefined}
                    onClick={() => save()}
                    aria-keyshortcuts="Control+Enter"
                  >
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
                    title={
                      offered
                        ? "Say first what becomes of the draft"
                        : explain(errors, base !== null && changes.length === 0)
                    }
                    onClick={() => setReviewing(true)}
                    aria-keyshortcuts="Control+Enter"
                  >
                    Review
                  </Button>
                </>
              )}
            </footer>
          )}
        </>
      )}
      {leaving && (
        <LeaveQuestion
          leaving={leaving}
          onKeep={kept.keepNow}
          onDiscard={() => {
            letGo();
            kept.forget();
            leaving.go();
          }}
        />
      )}
    </Modal>
  );
}

/** Takes the focus to what comes next. */
function focusWhenShown(element: HTMLElement | null) {
  element?.focus();
}

/** A new extension, a copy and a change of one are not each other's drafts. */
function keyOf(target: FormTarget): string {
  if (target.kind === "edit") return `edit ${target.detail.extension.id}`;
  return target.from ? `duplicate ${target.from.extension.id}` : "create";
}

function isSame(fields: ExtensionFields, other: ExtensionFields): boolean {
  return JSON.stringify(fields) === JSON.stringify(other);
}

function explain(errors: FieldErrors, isUnchanged: boolean): string | undefined {
  const names = Object.keys(errors);
  if (names.length > 0) return `Not yet right: ${names.join(", ")}`;
  return isUnchanged ? "Nothing has changed" : undefined;
}

/** What the schema says against the configuration; a secret that is kept out of sight is not checked by its mark. */
function visibleViolations(violations: readonly Violation[], config: string): Violation[] {
  const hidden = new Set(marksIn(config).map(({ path }) => JSON.stringify(path)));
  return violations.filter(({ path }) => !hidden.has(JSON.stringify(pointerParts(path))));
}
