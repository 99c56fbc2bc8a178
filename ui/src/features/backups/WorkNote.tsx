import { Button, Progress } from "@mantine/core";
import { useState } from "react";
import { stopBackupWork } from "../../api/backups";
import type { WorkProgress } from "../../bindings";
import { groupedCount } from "../../ui/figures";
import { Identifier } from "../../ui/Identifier";
import classes from "./Backups.module.css";
import { stepWords, workWords } from "./backupWords";

/** How far the work is, and the way out of it. */
export function WorkNote({ work }: { work: WorkProgress }) {
  return (
    <section className={classes.work} aria-label={workWords[work.work]}>
      <div className={classes.workWords} role="status">
        <strong>{workWords[work.work]}</strong>: {stepWords[work.step]} <Figures work={work} />
      </div>
      <Identifier label="file" value={work.subject} />
      <WorkBar work={work} />
      <CancelWork work={work} />
    </section>
  );
}

/** "1 200 of 10 000 rows"; of a file that is read, "42 %". */
export function Figures({ work: { step, done, total } }: { work: WorkProgress }) {
  if (step === "preparing" || step === "giving_over" || step === "locking") return null;
  if (step === "verifying") return <>{percent(done, total)} %</>;
  return (
    <>
      {groupedCount(done)}
      {total !== null && ` of ${groupedCount(total)}`} rows
    </>
  );
}

export function WorkBar({ work }: { work: WorkProgress }) {
  return (
    <Progress
      size="sm"
      className={classes.bar ?? ""}
      value={work.total === null ? 100 : percent(work.done, work.total)}
      striped={work.total === null}
      aria-label={workWords[work.work]}
    />
  );
}

export function CancelWork({ work }: { work: WorkProgress }) {
  const [isStopping, setIsStopping] = useState(false);
  const isGivenOver = work.step === "giving_over";
  return (
    <Button
      size="compact-sm"
      variant="default"
      disabled={isStopping || isGivenOver}
      onClick={() => {
        setIsStopping(true);
        stopBackupWork();
      }}
    >
      {isStopping && !isGivenOver ? "Stopping" : "Cancel"}
    </Button>
  );
}

function percent(done: number, total: number | null): number {
  if (total === null || total === 0) return 0;
  return Math.min(100, Math.floor((done / total) * 100));
}
