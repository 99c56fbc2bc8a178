import { Button } from "@mantine/core";
import { useVerification } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import { groupedCount } from "../../ui/figures";
import { IconCircleDashed, IconShieldCheck, IconShieldX } from "../../ui/icons";
import { StatusWord } from "../../ui/StatusWord";
import { Timestamp } from "../../ui/Timestamp";
import classes from "./SealState.module.css";

/** Whether the log is whole, since when that is known, and a way to look again. */
export function SealState() {
  const { data, error, dataUpdatedAt, isFetching, refetch } = useVerification();
  return (
    <div className={classes.state}>
      {isFetching ? (
        <StatusWord icon={IconCircleDashed} tone="quiet">
          Verifying…
        </StatusWord>
      ) : error ? (
        <StatusWord icon={IconShieldX} tone="warn">
          Could not verify: {toErrorReport(error).message}
        </StatusWord>
      ) : data?.fault ? (
        <StatusWord icon={IconShieldX} tone="bad">
          Not whole from #{groupedCount(data.fault.revision)}
        </StatusWord>
      ) : data ? (
        <StatusWord icon={IconShieldCheck} tone="good">
          Sealed and verified to #{groupedCount(data.revision)} ·{" "}
          <Timestamp value={new Date(dataUpdatedAt).toISOString()} />
        </StatusWord>
      ) : null}
      <Button size="compact-xs" variant="default" disabled={isFetching} onClick={() => void refetch()}>
        Verify now
      </Button>
    </div>
  );
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
