import { Button } from "@mantine/core";
import { stopVerification, useVerification, useVerificationProgress } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import type { VerificationProgress } from "../../bindings";
import { groupedCount } from "../../ui/figures";
import { IconCircleDashed, IconShieldCheck, IconShieldX } from "../../ui/icons";
import { StatusWord } from "../../ui/StatusWord";
import { Timestamp } from "../../ui/Timestamp";
import classes from "./SealState.module.css";

/** Whether the log is whole, since when that is known, and a way to look again. */
export function SealState() {
  const { data, error, isFetching, refetch } = useVerification();
  if (isFetching) return <Verifying />;
  return (
    <div className={classes.state}>
      {error ? (
        <StatusWord icon={IconShieldX} tone="warn">
          Could not verify: {toErrorReport(error).message}
        </StatusWord>
      ) : data?.fault ? (
        <StatusWord icon={IconShieldX} tone="bad">
          Not whole from #{groupedCount(data.fault.revision)}
        </StatusWord>
      ) : data ? (
        <StatusWord icon={IconShieldCheck} tone="good">
          Sealed and verified to #{groupedCount(data.revision)} · <Timestamp value={data.verifiedAt} />
        </StatusWord>
      ) : (
        <StatusWord icon={IconCircleDashed} tone="quiet">
          Not verified
        </StatusWord>
      )}
      <Button size="compact-xs" variant="default" onClick={() => void refetch()}>
        Verify now
      </Button>
    </div>
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

function percent({ entry_count, total }: VerificationProgress): number {
  return total === 0 ? 100 : Math.floor((entry_count / total) * 100);
}

/** A log that is not whole is the one thing on this page that must not be overlooked. */
export function SealFault() {
  const { data } = useVerification();
  if (!data?.fault) return null;
  return (
    <div className={classes.fault} role="alert">
      <IconShieldX size={18} stroke={1.8} aria-hidden />
      <div>
        <strong>The audit log is not whole.</strong> {data.fault.explanation} Entries before #
        {groupedCount(data.fault.revision)} are as they were sealed; what comes from there on can't be
        trusted. Keep the database as it is and ask who has the tables' owner's or a superuser's password.
        <div className={classes.code} data-testid="seal-fault">
          {data.fault.kind}
        </div>
      </div>
    </div>
  );
}
