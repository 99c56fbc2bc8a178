import { Button, Modal, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { toErrorReport } from "../../api/command";
import type { ErrorReport } from "../../bindings";
import { ErrorNote } from "../../ui/ErrorNote";
import { groupedCount } from "../../ui/figures";
import classes from "./ConfirmDialog.module.css";

/** As many ids as are named; the rest is a number. */
const namedIds = 8;

/** What is asked before it is done: the effect in words and figures, and a button that says the verb. */
export type Question = {
  title: string;
  ids: readonly string[];
  effect: ReactNode;
  verb: string;
  /** The button that does nothing. */
  refusal: string;
  isDangerous: boolean;
  /** Rejects if it was refused; the dialog then says why. */
  onConfirm: (reason: string) => Promise<void>;
};

export function ConfirmDialog({ question, onClose }: { question: Question; onClose: () => void }) {
  const { title, ids, effect, verb, refusal, isDangerous, onConfirm } = question;
  const [reason, setReason] = useState("");
  const [failure, setFailure] = useState<ErrorReport | null>(null);
  const [isBusy, setIsBusy] = useState(false);

  async function confirm() {
    setIsBusy(true);
    setFailure(null);
    try {
      await onConfirm(reason);
      onClose();
    } catch (thrown) {
      setFailure(toErrorReport(thrown));
      setIsBusy(false);
    }
  }

  return (
    <Modal opened onClose={onClose} title={title} size={460}>
      <form
        className={classes.stack}
        onSubmit={(event) => {
          event.preventDefault();
          void confirm();
        }}
      >
        {ids.length > 1 && (
          <p className={classes.ids}>
            {ids.slice(0, namedIds).join(", ")}
            {ids.length > namedIds && ` and ${groupedCount(ids.length - namedIds)} more`}
          </p>
        )}
        <p className={classes.text}>{effect}</p>
        <TextInput
          label="Reason (optional)"
          data-autofocus
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {failure && <ErrorNote error={failure} />}
        <div className={classes.actions}>
          <Button size="xs" variant="default" onClick={onClose}>
            {refusal}
          </Button>
          <Button
            size="xs"
            type="submit"
            {...(isDangerous && { color: "var(--bad-strong)" })}
            loading={isBusy}
          >
            {verb}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
