import { Button, Modal, TextInput } from "@mantine/core";
import { useRef, useState } from "react";
import { toErrorReport } from "../../api/command";
import { useConnectionProfile } from "../../api/connections";
import { useTrafficEffects } from "../../api/extensions";
import type { ErrorReport } from "../../bindings";
import { ErrorNote } from "../../ui/ErrorNote";
import { groupedCount } from "../../ui/figures";
import { emptiedTypes, TrafficEffectsNote } from "../../ui/TrafficEffects";
import { useConfirmation } from "../../ui/useConfirmation";
import classes from "./ConfirmDialog.module.css";
import { endQuestion, type Question, useQuestion } from "./question";

/** As many ids as are named; the rest is a number. */
const namedIds = 8;

/** Where questions are asked, whatever page is open. */
export function QuestionHost() {
  const question = useQuestion();
  const [lastNumber, setLastNumber] = useState({ question, number: 0 });
  // Each question is a dialog of its own: what was typed into one is no reason for the next.
  if (lastNumber.question !== question) setLastNumber({ question, number: lastNumber.number + 1 });
  return question && <ConfirmDialog key={lastNumber.number} question={question} />;
}

function ConfirmDialog({ question }: { question: Question }) {
  const { title, ids, way, more, verb, refusal, onConfirm } = question;
  const profile = useConnectionProfile();
  const [reason, setReason] = useState("");
  const [failure, setFailure] = useState<ErrorReport | null>(null);
  const [isReasonMissing, setReasonMissing] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const reasonField = useRef<HTMLInputElement>(null);
  const read = useTrafficEffects(ids, way !== null && question.effects === undefined);
  const confirmation = useConfirmation(question.effects);
  // Those of a refusal are the newest that there are.
  const effects = confirmation.effects ?? read;
  const close = () => endQuestion(question);

  async function confirm() {
    if (profile.is_reason_required && reason.trim() === "") {
      setReasonMissing(true);
      reasonField.current?.focus();
      return;
    }
    setIsBusy(true);
    setFailure(null);
    try {
      await onConfirm({ reason, confirmed: effects && emptiedTypes(effects) });
      close();
    } catch (thrown) {
      const refused = toErrorReport(thrown);
      if (refused.code === "reason_required") setReasonMissing(true);
      else if (!confirmation.takeEffects(refused)) setFailure(refused);
      setIsBusy(false);
    }
  }

  return (
    <Modal opened onClose={close} title={title} size={480}>
      <form
        className={classes.stack}
        onSubmit={(event) => {
          event.preventDefault();
          if (!isBusy) void confirm();
        }}
      >
        {ids.length > 1 && (
          <p className={classes.ids}>
            {ids.slice(0, namedIds).map((id, place) => (
              <span key={id}>
                {place > 0 && ", "}
                <bdi>{id}</bdi>
              </span>
            ))}
            {ids.length > namedIds && ` and ${groupedCount(ids.length - namedIds)} more`}
          </p>
        )}
        {effects && way && <TrafficEffectsNote effects={effects} way={way} />}
        {confirmation.effects && read && (
          <p className={classes.text} role="alert">
            It changed meanwhile: this is what it would do now.
          </p>
        )}
        {more && <p className={classes.text}>{more}</p>}
        <TextInput
          ref={reasonField}
          label={profile.is_reason_required ? "Reason" : "Reason (optional)"}
          description="Why, for the audit log"
          withAsterisk={profile.is_reason_required}
          aria-required={profile.is_reason_required}
          error={isReasonMissing && "This registry asks for a reason."}
          data-autofocus
          maxLength={500}
          value={reason}
          onChange={(event) => {
            setReason(event.currentTarget.value);
            setReasonMissing(false);
          }}
        />
        {failure && <ErrorNote error={failure} />}
        <div className={classes.actions}>
          <Button size="xs" variant="default" onClick={close}>
            {refusal}
          </Button>
          <Button
            size="xs"
            type="submit"
            {...(way !== null && { color: "var(--bad-strong)" })}
            loading={isBusy}
          >
            {verb}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
