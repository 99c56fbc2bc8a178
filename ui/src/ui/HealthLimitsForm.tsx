import { Button, NumberInput } from "@mantine/core";
import { useEffect, useState } from "react";
import type { ErrorReport, HealthLimits } from "../bindings";
import { ErrorNote } from "./ErrorNote";
import classes from "./HealthLimitsForm.module.css";
import { type LimitsDraft, limitProblems, limitsDraft, limitsOf, sameLimits } from "./healthLimits";

type HealthLimitsFormProps = {
  /** What they hold for, for those who hear it. */
  name: string;
  limits: HealthLimits;
  /** Whether the fields have their names above them; else a head of the list has. */
  named: boolean;
  disabled: boolean;
  /** To be kept also as they are: they are to become an extension's own. */
  isNew?: boolean;
  isSaving: boolean;
  /** Why the last saving failed. */
  error: ErrorReport | null;
  onSave: (limits: HealthLimits) => void;
  onCancel?: () => void;
};

/** Limits as three fields; what is left empty is no limit. */
export function HealthLimitsForm(props: HealthLimitsFormProps) {
  const { name, limits, named, disabled, isNew = false, isSaving, error } = props;
  const [draft, setDraft] = useState<LimitsDraft | null>(null);
  const shown = draft ?? limitsDraft(limits);
  const problems = draft ? limitProblems(draft) : {};
  const isSaved = draft !== null && sameLimits(limitsOf(draft), limits);
  // What is saved is shown as it comes from the database from then on.
  useEffect(() => {
    if (isSaved && !isNew) setDraft(null);
  }, [isSaved, isNew]);

  const field = (key: keyof LimitsDraft, column: keyof HealthLimits, label: string, suffix: string) => (
    <NumberInput
      size="xs"
      hideControls
      label={named ? label : undefined}
      aria-label={named ? undefined : `${name}: ${label.toLowerCase()}`}
      placeholder="none"
      suffix={suffix}
      min={0}
      clampBehavior="none"
      decimalScale={2}
      disabled={disabled}
      value={shown[key]}
      error={problems[column] ?? (error?.field === column ? error.message : undefined)}
      onChange={(value) => setDraft({ ...shown, [key]: value === "" ? "" : Number(value) })}
    />
  );

  function save() {
    if (Object.keys(problems).length === 0) props.onSave(limitsOf(shown));
  }

  const isOpen = isNew || (draft !== null && !isSaved);
  return (
    <form
      className={classes.form}
      aria-label={`Limits of ${name}`}
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <div className={classes.fields}>
        {field("scorePercent", "score_below_percent", "Score below", " %")}
        {field("p95Ms", "p95_above_ms", "p95 above", " ms")}
        {field("silentMinutes", "silent_for_seconds", "Silent for", " min")}
      </div>
      {error && error.field === null && isOpen && <ErrorNote error={error} />}
      {isOpen && (
        <div className={classes.buttons}>
          <Button
            type="button"
            size="compact-xs"
            variant="subtle"
            color="gray"
            onClick={() => {
              setDraft(null);
              props.onCancel?.();
            }}
          >
            Cancel
          </Button>
          <Button
            type="submit"
            size="compact-xs"
            loading={isSaving}
            disabled={Object.keys(problems).length > 0}
          >
            Save
          </Button>
        </div>
      )}
    </form>
  );
}
