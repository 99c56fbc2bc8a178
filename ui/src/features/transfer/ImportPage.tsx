import { Button, Checkbox, FileButton, TextInput } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useAllowed } from "../../api/access";
import { useCacheStats } from "../../api/cache";
import { toErrorReport } from "../../api/command";
import { useConnectionProfile } from "../../api/connections";
import { useDatabaseAway } from "../../api/database";
import { type ChosenFile, useApplyImport, useImportPlan } from "../../api/transfer";
import type { AppliedPlan, DifferenceKind, ErrorReport, RegistryPlan } from "../../bindings";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorNote } from "../../ui/ErrorNote";
import { ErrorState } from "../../ui/ErrorState";
import { counted, groupedCount } from "../../ui/figures";
import { GuardedButton } from "../../ui/GuardedButton";
import { IconAlertTriangle, IconCircleCheck, IconFileImport } from "../../ui/icons";
import { NoPermission } from "../../ui/NoPermission";
import { notifyFailure } from "../../ui/notify";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import page from "../../ui/page.module.css";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { ToggleChip } from "../../ui/ToggleChip";
import { TrafficEffectsNote } from "../../ui/TrafficEffects";
import { useConfirmation } from "../../ui/useConfirmation";
import { useUndoOffer } from "../extensions/useUndoOffer";
import { chooseFile, forgetFile, useChosenFile } from "./chosenFile";
import { DocumentProblems } from "./DocumentProblems";
import classes from "./ImportPage.module.css";
import { PlannedChanges } from "./PlannedChanges";

/** A file, what it would change, and the button that does exactly that. */
export function ImportPage() {
  const file = useChosenFile();
  const { editing } = useAllowed();
  // A preview that is there stays while the database is away.
  const mayNot = useDatabaseAway() === null && editing !== null;
  const [prune, setPrune] = useState(false);
  const planning = useImportPlan(mayNot ? null : file, prune);
  // A preview stays where the next one of the same file can't be made: what is typed beside it must not go.
  const [last, setLast] = useState<{ file: ChosenFile; plan: RegistryPlan } | null>(null);
  if (file && planning.data && planning.data !== last?.plan) setLast({ file, plan: planning.data });
  const plan = planning.data ?? (last?.file.number === file?.number ? last?.plan : undefined);

  return (
    <div className={page.filling}>
      <PageHeader
        title="Import"
        summary={file ? summary(file, plan) : "A file of extensions, with a preview"}
      >
        {file && <FileChooser words="Another file…" forbidden={editing} />}
      </PageHeader>
      {mayNot ? (
        <Panel>
          <NoPermission title="Your login may not import" needs="registry_editor" />
        </Panel>
      ) : file === null ? (
        <Panel>
          <EmptyState
            icon={IconFileImport}
            title="Choose a file, or drop one on the window"
            action={<FileChooser words="Choose a file…" forbidden={editing} />}
          >
            YAML or JSON, as an export writes it. Nothing changes before you have seen what would.
          </EmptyState>
        </Panel>
      ) : plan === undefined && planning.error ? (
        <Failed error={toErrorReport(planning.error)} onRetry={() => void planning.refetch()} />
      ) : plan === undefined ? (
        <Panel>
          <SkeletonRows label="Comparing the file with the registry" />
        </Panel>
      ) : (
        <Preview
          key={file.number}
          file={file}
          plan={plan}
          prune={prune}
          onPrune={setPrune}
          isPlanning={planning.isFetching}
          error={planning.error && toErrorReport(planning.error)}
          onPlanAgain={() => void planning.refetch()}
        />
      )}
    </div>
  );
}

function summary(file: ChosenFile, plan: RegistryPlan | undefined): string {
  const size = file.text.length;
  const words = size < 10_240 ? counted(size, "character") : `${groupedCount(Math.round(size / 1024))} KiB`;
  return `${file.name} · ${words}${plan ? ` · compared with revision ${groupedCount(plan.revision)}` : ""}`;
}

function FileChooser({ words, forbidden }: { words: string; forbidden: string | null }) {
  return (
    <FileButton
      accept=".yaml,.yml,.json,application/yaml,application/json"
      inputProps={{ "aria-label": "File to import" }}
      onChange={(file) => {
        if (!file) return;
        chooseFile(file).catch((thrown: unknown) =>
          notifyFailure(`Could not read ${file.name}`, toErrorReport(thrown)),
        );
      }}
    >
      {({ onClick }) => (
        <GuardedButton variant="default" forbidden={forbidden} onClick={onClick}>
          {words}
        </GuardedButton>
      )}
    </FileButton>
  );
}

function Failed({ error, onRetry }: { error: ErrorReport; onRetry: () => void }) {
  return (
    <Panel>
      {error.facts?.kind === "document_problems" ? (
        <DocumentProblems problems={error.facts.value} />
      ) : (
        <ErrorState
          tried="The file could not be compared with the registry"
          error={error}
          onRetry={onRetry}
        />
      )}
    </Panel>
  );
}

type PreviewProps = {
  file: ChosenFile;
  plan: RegistryPlan;
  prune: boolean;
  onPrune: (prune: boolean) => void;
  isPlanning: boolean;
  /** Why the preview could not be made anew. */
  error: ErrorReport | null;
  onPlanAgain: () => void;
};

const kinds: { kind: DifferenceKind; word: string }[] = [
  { kind: "created", word: "New" },
  { kind: "changed", word: "Changed" },
  { kind: "deleted", word: "Deleted" },
];

function Preview({ file, plan, prune, onPrune, isPlanning, error, onPlanAgain }: PreviewProps) {
  const { changes, problems } = plan;
  const navigate = useNavigate();
  const apply = useApplyImport();
  const offerUndo = useUndoOffer();
  const profile = useConnectionProfile();
  const { effects, confirmed, takeEffects, forgetEffects } = useConfirmation();
  const revision = useCacheStats().data?.revision ?? plan.revision;
  const [only, setOnly] = useState<DifferenceKind | null>(null);
  const [reason, setReason] = useState("");
  const [failure, setFailure] = useState<ErrorReport | null>(null);
  /** The revision of a plan that the registry had left behind when it was to be applied. */
  const [leftBehind, setLeftBehind] = useState<number | null>(null);
  // The same name for every try of the same plan: one whose answer was lost is not carried out twice.
  const [requestIds] = useState(() => new Map<string, string>());
  const counts = new Map(
    kinds.map(({ kind }) => [kind, changes.filter((each) => each.kind === kind).length]),
  );
  const shown = only === null ? changes : changes.filter(({ kind }) => kind === only);

  async function submit() {
    const planName = `${plan.revision} ${prune} ${reason}`;
    const requestId = requestIds.get(planName) ?? crypto.randomUUID();
    requestIds.set(planName, requestId);
    setFailure(null);
    try {
      const applied = await apply.mutateAsync({
        file,
        plan,
        prune,
        requestId,
        answer: { reason, confirmed },
      });
      offerUndo({
        requestId,
        ids: changes.map(({ extension_id }) => extension_id),
        done: `Imported ${file.name}`,
        message: `Imported ${file.name}: ${appliedWords(applied)}`,
      });
      forgetFile();
      await navigate({ to: "/extensions", search: {} });
    } catch (thrown) {
      const error = toErrorReport(thrown);
      if (error.code === "registry_moved") {
        setLeftBehind(plan.revision);
        onPlanAgain();
      } else if (!takeEffects(error)) setFailure(error);
    }
  }

  const reasonLabel = `Reason, for the audit log (${profile.is_reason_required ? "required" : "optional"})`;
  const isBehind = revision > plan.revision;
  const away = useDatabaseAway();
  const forbidden =
    problems.length > 0
      ? `${counted(problems.length, "problem")} in the file ${problems.length === 1 ? "has" : "have"} to be put right first.`
      : error !== null
        ? "The preview could not be made anew."
        : changes.length === 0
          ? "The registry is as the file says: there is nothing to import."
          : isPlanning
            ? "The preview is being made."
            : null;

  return (
    <>
      <div className={classes.choices}>
        <ToggleChip on={only === null} onToggle={() => setOnly(null)}>
          All {groupedCount(changes.length)}
        </ToggleChip>
        {kinds.map(({ kind, word }) => (
          <ToggleChip key={kind} on={only === kind} onToggle={() => setOnly(only === kind ? null : kind)}>
            {word} {groupedCount(counts.get(kind) ?? 0)}
          </ToggleChip>
        ))}
        <span className={classes.quiet}>{groupedCount(plan.unchanged_count)} unchanged</span>
        <span className={classes.space} />
        {plan.only_in_registry_count > 0 && (
          <Checkbox
            size="xs"
            label={`Delete ${plan.only_in_registry_count === 1 ? "the one" : `the ${groupedCount(plan.only_in_registry_count)}`} that the file doesn't have, too`}
            checked={prune}
            disabled={isPlanning}
            onChange={(event) => {
              forgetEffects();
              onPrune(event.currentTarget.checked);
            }}
          />
        )}
      </div>
      {leftBehind !== null && leftBehind < plan.revision && (
        <Notice>
          The registry had moved on from revision {groupedCount(leftBehind)}, so nothing was imported. This is
          what the file changes now; look at it again.
        </Notice>
      )}
      {isBehind && (
        <Notice>
          The registry has moved on to revision {groupedCount(revision)} since this preview was made.
          <Button size="compact-xs" variant="default" loading={isPlanning} onClick={onPlanAgain}>
            Compare again
          </Button>
        </Notice>
      )}
      {problems.length > 0 && (
        <div className={classes.above}>
          <Panel>
            <DocumentProblems problems={problems} />
          </Panel>
        </div>
      )}
      <div className={classes.changes}>
        {changes.length === 0 && problems.length === 0 ? (
          <EmptyState icon={IconCircleCheck} title="Nothing to import">
            {counted(plan.unchanged_count, "extension")} in the file{" "}
            {plan.unchanged_count === 1 ? "is" : "are"} in the registry just so.
          </EmptyState>
        ) : shown.length === 0 ? (
          <p className={classes.none}>
            {changes.length === 0 ? "Nothing else would change." : "None of this kind."}
          </p>
        ) : (
          <PlannedChanges key={only} changes={shown} />
        )}
      </div>
      <form
        className={classes.footer}
        data-bottom-bar
        aria-label="Import"
        onSubmit={(event) => {
          event.preventDefault();
          if (forbidden === null && away === null) void submit();
        }}
      >
        {error && <ErrorNote error={error} />}
        {effects && <TrafficEffectsNote effects={effects} way="off" />}
        {failure && failure.field !== "reason" && <ErrorNote error={failure} />}
        <div className={classes.apply}>
          <TextInput
            className={classes.reason ?? ""}
            size="xs"
            aria-label={reasonLabel}
            placeholder={reasonLabel}
            required={profile.is_reason_required}
            maxLength={500}
            error={failure?.field === "reason" && failure.message}
            value={reason}
            onChange={(event) => {
              setReason(event.currentTarget.value);
              if (failure?.field === "reason") setFailure(null);
            }}
          />
          <Button size="xs" variant="default" onClick={forgetFile}>
            Discard
          </Button>
          <GuardedButton
            forbidden={away ?? forbidden}
            loading={apply.isPending}
            {...((effects !== null || (counts.get("deleted") ?? 0) > 0) && { color: "var(--bad-strong)" })}
            onClick={() => void submit()}
          >
            {verb(counts)}
          </GuardedButton>
        </div>
      </form>
    </>
  );
}

function verb(counts: ReadonlyMap<DifferenceKind, number>): string {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const deleted = counts.get("deleted") ?? 0;
  if (total === 0) return "Import";
  return `Import ${counted(total, "change")}${deleted > 0 ? `, ${groupedCount(deleted)} of them deleted` : ""}`;
}

function appliedWords({ created_count, changed_count, deleted_count }: AppliedPlan): string {
  const words = [
    created_count > 0 && `${groupedCount(created_count)} created`,
    changed_count > 0 && `${groupedCount(changed_count)} changed`,
    deleted_count > 0 && `${groupedCount(deleted_count)} deleted`,
  ].filter((word) => word !== false);
  return words.join(", ") || "nothing changed";
}

function Notice({ children }: { children: React.ReactNode }) {
  return (
    <div className={classes.notice} role="status">
      <IconAlertTriangle size={15} aria-hidden />
      <span>{children}</span>
    </div>
  );
}
