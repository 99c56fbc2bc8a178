import { Button } from "@mantine/core";
import { useLayoutEffect, useState } from "react";
import classes from "./ExtensionForm.module.css";
import type { Leaving } from "./useLeaving";

type LeaveQuestionProps = {
  leaving: Leaving;
  /** Keeps what was typed as a draft; tells whether it could. */
  onKeep: () => boolean;
  onDiscard: () => void;
};

/** Asked before what was typed is lost; stands where the form's buttons were. */
export function LeaveQuestion({ leaving, onKeep, onDiscard }: LeaveQuestionProps) {
  const verb = leaving.by === "quit" ? "Quit" : leaving.by === "switch" ? "Switch" : null;
  const [isKept, setKept] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked once, when the question appears
  useLayoutEffect(() => setKept(onKeep()), []);
  return (
    <footer className={classes.footer} role="alertdialog" aria-label="Not saved">
      <span className={classes.question}>{words(verb !== null, isKept)}</span>
      <Button size="xs" variant="default" ref={takeFocus} onClick={leaving.stay}>
        Keep editing
      </Button>
      {verb !== null ? (
        <Button size="xs" {...(!isKept && { color: "red" })} onClick={leaving.go}>
          {isKept ? `${verb}, keep the draft` : `${verb} without it`}
        </Button>
      ) : (
        <Button size="xs" color="red" onClick={onDiscard}>
          Discard changes
        </Button>
      )}
    </footer>
  );
}

function words(isDraft: boolean, isKept: boolean): string {
  if (!isDraft) return "What you typed is not saved.";
  return isKept
    ? "What you typed is not saved. It is kept as a draft for the next time."
    : "What you typed is not saved, and no draft of it is kept: a secret never goes to the disk.";
}

function takeFocus(button: HTMLButtonElement | null) {
  button?.focus();
}
