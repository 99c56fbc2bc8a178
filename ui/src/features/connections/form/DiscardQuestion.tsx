import { Button } from "@mantine/core";
import classes from "./ConnectionForm.module.css";
import type { FormLeaving } from "./useFormLeaving";

const verbs: Record<FormLeaving["by"], string> = {
  close: "Discard changes",
  page: "Discard changes",
  switch: "Switch without it",
  quit: "Quit without it",
};

/** Asked before what was typed is lost; stands where the form's buttons were. */
export function DiscardQuestion({ leaving }: { leaving: FormLeaving }) {
  return (
    <footer className={classes.footer} role="alertdialog" aria-label="Not saved">
      <span className={classes.question}>What you typed is not saved.</span>
      <Button size="xs" variant="default" ref={takeFocus} onClick={leaving.stay}>
        Keep editing
      </Button>
      <Button size="xs" color="red" onClick={leaving.go}>
        {verbs[leaving.by]}
      </Button>
    </footer>
  );
}

function takeFocus(button: HTMLButtonElement | null) {
  button?.focus();
}
