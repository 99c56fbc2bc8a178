import { Button, Modal } from "@mantine/core";
import type { ReactNode } from "react";
import type { ErrorReport } from "../bindings";
import { ErrorNote } from "./ErrorNote";
import classes from "./Question.module.css";

type QuestionProps = {
  title: string;
  /** What it would do, in words and figures. */
  children: ReactNode;
  /** What leaves everything as it is; it has the focus. */
  refusal: string;
  verb: string;
  isBusy?: boolean;
  error?: ErrorReport | null;
  onRefuse: () => void;
  onConfirm: () => void;
};

/** Asked before something is done that no undo brings back. */
export function Question(props: QuestionProps) {
  const { title, children, refusal, verb, isBusy = false, error, onRefuse, onConfirm } = props;
  return (
    <Modal opened onClose={onRefuse} title={title} size={460}>
      <p className={classes.effect}>{children}</p>
      {error && <ErrorNote error={error} />}
      <div className={classes.answers}>
        <Button size="xs" variant="default" data-autofocus onClick={onRefuse}>
          {refusal}
        </Button>
        <Button size="xs" color="var(--bad-strong)" loading={isBusy} onClick={onConfirm}>
          {verb}
        </Button>
      </div>
    </Modal>
  );
}
