import type { DatabaseStatus, WorkProgress, WorkStep } from "../../bindings";
import { IconCheck, IconCircleDashed, IconX } from "../../ui/icons";
import classes from "./Backups.module.css";
import { CancelWork, Figures, WorkBar } from "./WorkNote";

type Step = WorkStep | "opening";

/** A restored backup is verified; a database that is upgraded is written to a file first. */
const steps: { step: Step; words: string }[] = [
  { step: "preparing", words: "Close the registry" },
  { step: "writing", words: "Read it with the old PostgreSQL" },
  { step: "verifying", words: "Verify the backup" },
  { step: "restoring", words: "Write a new database from it" },
  { step: "comparing", words: "Compare the new database with the backup" },
  { step: "opening", words: "Put it in place and open it" },
];

type ReplacingStepsProps = {
  work: WorkProgress | null;
  outcome: "pending" | "done" | "undone";
  status: DatabaseStatus | undefined;
  isUpgrade?: boolean;
};

/** Where a replacement of the database stands, with the way out of it. */
export function ReplacingSteps({ work, outcome, status, isUpgrade = false }: ReplacingStepsProps) {
  const shown = steps.filter(({ step }) => step !== "writing" || isUpgrade);
  const current: Step = work?.step ?? (outcome === "pending" ? "preparing" : "opening");
  const at = shown.findIndex(({ step }) => step === current);
  const isOpen = status?.state === "ready";
  return (
    <div className={classes.stack}>
      {outcome !== "undone" && (
        <ol className={classes.steps} aria-label="Steps">
          {shown.map(({ step, words }, place) => {
            const isDone = place < at || (outcome === "done" && isOpen);
            const isNow = !isDone && place === at;
            const Icon = isDone ? IconCheck : isNow && status?.state === "failed" ? IconX : IconCircleDashed;
            return (
              <li key={step} data-now={isNow || undefined} data-done={isDone || undefined}>
                <Icon size={14} aria-hidden />
                {words}
                {isNow && work && (
                  <span className={classes.figures}>
                    <Figures work={work} />
                  </span>
                )}
              </li>
            );
          })}
        </ol>
      )}
      {outcome === "pending" && work && (
        <div className={classes.workLine}>
          <WorkBar work={work} />
          <CancelWork work={work} />
        </div>
      )}
    </div>
  );
}
