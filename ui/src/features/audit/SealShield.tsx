import { Link } from "@tanstack/react-router";
import { usePermissions } from "../../api/access";
import { useKeepVerified, useVerification, useVerificationProgress } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import { groupedCount } from "../../ui/figures";
import { IconShieldCheck, IconShieldQuestion, IconShieldX } from "../../ui/icons";
import { Timestamp } from "../../ui/Timestamp";
import classes from "./SealShield.module.css";
import { percent } from "./SealState";

/** Whether the audit log is whole, wherever one is; it leads to the page that says more. */
export function SealShield() {
  const canAudit = usePermissions().data?.can_audit ?? false;
  useKeepVerified(canAudit);
  const { last, error, verifying } = useVerification();
  const progress = useVerificationProgress();
  // Who may not read the log learns nothing of it.
  if (!canAudit) return null;
  const fault = last?.found.fault;
  if (fault)
    return (
      <Link to="/audit" className={classes.shield} data-tone="bad" title={fault.explanation}>
        <IconShieldX size={15} stroke={2} aria-hidden />
        Audit log not whole from #{groupedCount(fault.revision)}
      </Link>
    );
  if (error)
    return (
      <Link
        to="/audit"
        className={classes.shield}
        data-tone="warn"
        title={toErrorReport(error).message}
        aria-label="The audit log could not be verified"
      >
        <IconShieldX size={15} stroke={1.8} aria-hidden />
        not verified
      </Link>
    );
  if (verifying === "whole" || !last)
    return (
      <Link to="/audit" className={classes.shield} aria-label="The audit log's seal">
        <IconShieldQuestion size={15} stroke={1.8} aria-hidden />
        {verifying ? `verifying${progress ? ` ${percent(progress)} %` : "…"}` : "not verified"}
      </Link>
    );
  return (
    <Link to="/audit" className={classes.shield} data-tone="good" data-testid="shield">
      <IconShieldCheck size={15} stroke={1.8} aria-hidden />
      <span>
        <span className={classes.word}>verified to </span>#{groupedCount(last.found.revision)},{" "}
        <Timestamp value={last.verified_at} />
      </span>
    </Link>
  );
}
