import { useEffect, useState } from "react";
import type { StartStep } from "../../bindings";
import { IconCheck, IconCircleDashed } from "../../ui/icons";
import classes from "./StartScreen.module.css";
import { startStepWords } from "./startSteps";

/** A start shorter than this shows no screen at all: a flash would look like a fault. */
const quietForMs = 150;

type StartScreenProps = {
  steps: readonly StartStep[];
  /** The label of another connection that is opened in place of the one before; null at the start. */
  switchingTo: string | null;
};

export function StartScreen({ steps, switchingTo }: StartScreenProps) {
  const visible = useAfter(quietForMs);
  if (!visible) return null;

  return (
    <main className={classes.screen}>
      <div className={classes.column}>
        <h1 className={classes.title}>
          {switchingTo === null ? "Starting Beamline Registry" : `Opening ${switchingTo}`}
        </h1>
        <ol className={classes.steps} aria-live="polite">
          {steps.map((step, index) => (
            <Step key={step} step={step} done={index < steps.length - 1} />
          ))}
        </ol>
      </div>
    </main>
  );
}

function Step({ step, done }: { step: StartStep; done: boolean }) {
  const Icon = done ? IconCheck : IconCircleDashed;
  return (
    <li className={classes.step} data-done={done} aria-current={done ? undefined : "step"}>
      <Icon size={16} stroke={done ? 2.2 : 1.8} aria-hidden />
      {done ? startStepWords[step].done : startStepWords[step].doing}
    </li>
  );
}

function useAfter(delayMs: number): boolean {
  const [passed, setPassed] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setPassed(true), delayMs);
    return () => clearTimeout(timer);
  }, [delayMs]);
  return passed;
}
