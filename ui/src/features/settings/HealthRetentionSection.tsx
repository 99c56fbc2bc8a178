import { Button, NumberInput } from "@mantine/core";
import { useEffect, useState } from "react";
import { useAllowed } from "../../api/access";
import { toErrorReport } from "../../api/command";
import { useHealthRetention, useSetHealthRetention } from "../../api/health";
import type { HealthRetention } from "../../bindings";
import { ErrorNote } from "../../ui/ErrorNote";
import { ErrorState } from "../../ui/ErrorState";
import { Fact, Facts } from "../../ui/Facts";
import { groupedCount } from "../../ui/figures";
import { SkeletonRows } from "../../ui/SkeletonRows";
import classes from "./HealthSections.module.css";
import { type RetentionDraft, retentionDraft, retentionOf, retentionProblems } from "./healthRetention";
import { Section } from "./Section";

/** For how long the history of health is kept. */
export function HealthRetentionSection() {
  const read = useHealthRetention();
  const { limits: forbidden } = useAllowed();
  return (
    <Section title="History of health">
      {forbidden !== null && <p className={classes.forbidden}>{forbidden}</p>}
      {read.data ? (
        <RetentionForm kept={read.data} disabled={forbidden !== null} />
      ) : read.error ? (
        <ErrorState
          tried="It could not be read for how long the history is kept"
          error={toErrorReport(read.error)}
          onRetry={() => void read.refetch()}
        />
      ) : (
        <SkeletonRows label="Reading for how long the history is kept" />
      )}
    </Section>
  );
}

const fields: { key: keyof RetentionDraft & keyof HealthRetention; name: string; holds: string }[] = [
  { key: "minutes_kept_days", name: "Minutes", holds: "steps of 1, 5 and 15 minutes" },
  { key: "hours_kept_days", name: "Hours", holds: "steps of 1 and 6 hours" },
  { key: "days_kept_days", name: "Days", holds: "steps of a day; empty is for good" },
];

function RetentionForm({ kept, disabled }: { kept: HealthRetention; disabled: boolean }) {
  const set = useSetHealthRetention();
  const [draft, setDraft] = useState<RetentionDraft | null>(null);
  const shown = draft ?? retentionDraft(kept);
  const problems = draft ? retentionProblems(draft) : {};
  const error = set.error ? toErrorReport(set.error) : null;
  const isSaved = draft !== null && fields.every(({ key }) => shown[key] === retentionDraft(kept)[key]);
  // What is saved is shown as it comes from the database from then on.
  useEffect(() => {
    if (isSaved) setDraft(null);
  }, [isSaved]);

  return (
    <form
      aria-label="How long the history of health is kept"
      onSubmit={(event) => {
        event.preventDefault();
        const retention = retentionOf(shown);
        if (Object.keys(problems).length === 0 && retention !== null) set.mutate(retention);
      }}
    >
      <Facts>
        {fields.map(({ key, name, holds }) => (
          <Fact key={key} name={name}>
            <div className={classes.kept}>
              <NumberInput
                size="xs"
                hideControls
                aria-label={`${name} are kept for`}
                placeholder={key === "days_kept_days" ? "for good" : undefined}
                suffix=" days"
                allowDecimal={false}
                allowNegative={false}
                clampBehavior="none"
                disabled={disabled}
                value={shown[key]}
                error={problems[key] ?? (error?.field === key ? error.message : undefined)}
                onChange={(value) => setDraft({ ...shown, [key]: value === "" ? "" : Number(value) })}
              />
              <span>{holds}</span>
            </div>
          </Fact>
        ))}
      </Facts>
      {error && error.field === null && <ErrorNote error={error} />}
      {draft !== null && !isSaved ? (
        <div className={classes.buttons}>
          <Button
            type="button"
            size="compact-xs"
            variant="subtle"
            color="gray"
            onClick={() => {
              setDraft(null);
              set.reset();
            }}
          >
            Cancel
          </Button>
          <Button
            type="submit"
            size="compact-xs"
            loading={set.isPending}
            disabled={Object.keys(problems).length > 0}
          >
            Save
          </Button>
        </div>
      ) : (
        <p className={classes.hint}>
          Each at least as long as the finer one above it, from a day to {groupedCount(36_500)} days. What is
          older is deleted within an hour.
        </p>
      )}
    </form>
  );
}
