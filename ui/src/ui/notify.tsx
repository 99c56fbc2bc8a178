import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { ReactNode } from "react";
import type { ErrorReport } from "../bindings";
import { CopyButton } from "./CopyButton";
import { failureDetails } from "./failure";
import { IconAlertTriangle, IconArrowBackUp, IconCheck } from "./icons";
import { keepNotice } from "./notices";
import classes from "./notify.module.css";

const undoForMs = 10_000;
/** Beyond this number the oldest offers of an undo go, so that the newest is always in sight. */
const shownUndos = 3;

type UndoOffer = { notificationId: string; subjects: readonly string[]; undo: () => void };

let offers: UndoOffer[] = [];
let lastNumber = 0;

function nextId(): string {
  lastNumber += 1;
  return `notification-${lastNumber}`;
}

function withdraw(notificationId: string) {
  offers = offers.filter((offer) => offer.notificationId !== notificationId);
}

function take(offer: UndoOffer) {
  withdraw(offer.notificationId);
  notifications.hide(offer.notificationId);
  offer.undo();
}

/** Says what was done and offers for ten seconds to undo it. A newer change of any of the subjects ends the offer. */
export function notifyUndoable(notice: {
  subjects: readonly string[];
  message: ReactNode;
  undo: () => void;
}): void {
  endUndo(notice.subjects);
  for (const offer of offers.slice(0, Math.max(0, offers.length - shownUndos + 1))) {
    notifications.hide(offer.notificationId);
  }
  keepNotice({ kind: "done", message: notice.message });
  const offer = { notificationId: nextId(), subjects: notice.subjects, undo: notice.undo };
  offers = [...offers, offer];
  notifications.show({
    id: offer.notificationId,
    autoClose: undoForMs,
    icon: <IconCheck size={16} aria-hidden />,
    message: (
      <div className={classes.line}>
        <span className={classes.words}>{notice.message}</span>
        <Button
          size="compact-xs"
          variant="default"
          aria-keyshortcuts="z"
          leftSection={<IconArrowBackUp size={14} aria-hidden />}
          onClick={() => take(offer)}
        >
          Undo
        </Button>
      </div>
    ),
    onClose: () => withdraw(offer.notificationId),
  });
}

/** Ends the offers of an undo for these subjects: what they would undo is no longer the last thing done. */
export function endUndo(subjects: readonly string[]): void {
  const changed = new Set(subjects);
  for (const offer of offers.filter((candidate) => candidate.subjects.some((id) => changed.has(id)))) {
    withdraw(offer.notificationId);
    notifications.hide(offer.notificationId);
  }
}

/** Undoes the newest of what is still on offer, if anything is. */
export function undoLast(): void {
  const offer = offers.at(-1);
  if (offer) take(offer);
}

let isHeld = false;

/** Holds back what nobody has to act on. What can be undone and what failed is told in any case. */
export function holdNotices(held: boolean): void {
  isHeld = held;
}

/** Says what was done, where there is nothing to undo; `stays` is for what somebody may want to read again. */
export function notifyDone(message: ReactNode, { stays = false }: { stays?: boolean } = {}): void {
  keepNotice({ kind: "done", message });
  if (isHeld && !stays) return;
  notifications.show({
    id: nextId(),
    autoClose: stays ? false : undoForMs,
    icon: <IconCheck size={16} aria-hidden />,
    message: <div className={classes.words}>{message}</div>,
  });
}

/** Tells of a danger that is not of something just tried; stays until it is closed, and leads to where it is dealt with. */
export function notifyTrouble(title: string, text: string, open: () => void): void {
  keepNotice({ kind: "trouble", message: `${title}. ${text}` });
  const id = nextId();
  notifications.show({
    id,
    autoClose: false,
    icon: <IconAlertTriangle size={16} color="var(--warn)" aria-hidden />,
    title,
    message: (
      <div className={classes.failure}>
        <span>{text}</span>
        <div className={classes.line}>
          <Button
            size="compact-xs"
            variant="default"
            onClick={() => {
              notifications.hide(id);
              open();
            }}
          >
            Open backups
          </Button>
        </div>
      </div>
    ),
  });
}

/** Says what was tried, why it failed and what to do; stays until it is closed. */
export function notifyFailure(tried: ReactNode, error: ErrorReport): void {
  keepNotice({ kind: "failure", message: tried, error });
  notifications.show({
    id: nextId(),
    autoClose: false,
    icon: <IconAlertTriangle size={16} color="var(--bad)" aria-hidden />,
    title: tried,
    message: (
      <div className={classes.failure}>
        <span>{error.message}</span>
        <span>{error.action}</span>
        <div className={classes.line}>
          <span className={classes.code} data-testid="error-code">
            {error.code}
          </span>
          <CopyButton size="compact-xs" text={failureDetails(error)}>
            Copy details
          </CopyButton>
        </div>
      </div>
    ),
  });
}
