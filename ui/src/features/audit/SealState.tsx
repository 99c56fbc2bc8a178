import { Button } from "@mantine/core";
import { useEffect } from "react";
import { stopVerification, useVerification, useVerificationProgress, useVerifyNew } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import type { LastVerification, VerificationProgress } from "../../bindings";
import { groupedCount } from "../../ui/figures";
import { IconCircleDashed, IconShieldCheck, IconShieldX } from "../../ui/icons";
import { StatusWord } from "../../ui/StatusWord";
import { Timestamp } from "../../ui/Timestamp";
import classes from "./SealState.module.css";

/** Whether the log is whole, since when that is known, and a way to look again. */
export function SealState() {
  const { last, error, isKnown, verifying, verify } = useVerification();
  const verifyNew = useVerifyNew();
  // Who looks at the log wants to know about all that is there now.
  useEffect(() => {
    if (isKnown) verifyNew();
  }, [isKnown, verifyNew]);
  // What is new is verified by itself and in no time: what is known already stays in sight meanwhile.
  if (verifying === "whole" || (verifying && !last)) return <Verifying />;
  return (
    <div className={classes.state}>
      {error ? (
        <StatusWord icon={IconShieldX} tone="warn">
          Could not verify: {toErrorReport(error).message}
        </StatusWord>
      ) : last?.found.fault ? (
        <StatusWord icon={IconShieldX} tone="bad">
          Not whole from #{groupedCount(last.found.fault.revision)}
        </StatusWord>
      ) : last ? (
        <StatusWord icon={IconShieldCheck} tone="good">
          Sealed and verified to #{groupedCount(last.found.revision)} · <Timestamp value={last.verified_at} />
          <WholeAge last={last} />
        </StatusWord>
      ) : (
        <StatusWord icon={IconCircleDashed} tone="quiet">
          {isKnown ? "Not verified" : "Reading the seal"}
        </StatusWord>
      )}
      <Button size="compact-xs" variant="default" onClick={() => verify("whole")}>
        Verify now
      </Button>
    </div>
  );
}

/** Two times that are nearer to each other than this are told as one. */
const toldFromMs = 60_000;

/** When all of it was last looked at, where since then only what is new was. */
function WholeAge({ last }: { last: LastVerification }) {
  const wholeIsOlderMs = Date.parse(last.verified_at) - Date.parse(last.whole_verified_at);
  if (wholeIsOlderMs < toldFromMs) return null;
  return (
    <span
      className={classes.whole}
      title="What is new is verified by itself. An entry that was edited after it had been verified is found by a verification of the whole log: Verify now."
    >
      , all of it <Timestamp value={last.whole_verified_at} />
    </span>
  );
}

/** A long log takes minutes: how far it is, and a way out. */
function Verifying() {
  const progress = useVerificationProgress();
  return (
    <div className={classes.state}>
      <StatusWord icon={IconCircleDashed} tone="quiet">
        Verifying…
        {progress &&
          ` ${percent(progress)} % · ${groupedCount(progress.entry_count)} of ${groupedCount(progress.total)}`}
      </StatusWord>
      <Button size="compact-xs" variant="default" onClick={stopVerification}>
        Cancel
      </Button>
    </div>
  );
}

export function percent({ entry_count, total }: VerificationProgress): number {
  return total === 0 ? 100 : Math.floor((entry_count / total) * 100);
}

/** A log that is not whole is the one thing on this page that must not be overlooked. */
export function SealFault() {
  const fault = useVerification().last?.found.fault;
  if (!fault) return null;
  return (
    <div className={classes.fault} role="alert">
      <IconShieldX size={18} stroke={1.8} aria-hidden />
      <div>
        <strong>The audit log is not whole.</strong> {fault.explanation} Entries before #
        {groupedCount(fault.revision)} are as they were sealed; what comes from there on can't be trusted.
        Keep the database as it is and ask who has the tables' owner's or a superuser's password.
        <div className={classes.code} data-testid="seal-fault">
          {fault.kind}
        </div>
      </div>
    </div>
  );
}
