import { Button, SegmentedControl, Select } from "@mantine/core";
import { useState } from "react";
import { useExtensionHistory } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import { fieldsOf, now, useExtensionComparison } from "../../api/timeTravel";
import type { AuditEntry, Moment } from "../../bindings";
import { ChangeDiff } from "../../ui/ChangeDiff";
import { actor } from "../../ui/changeWords";
import { ErrorNote } from "../../ui/ErrorNote";
import { groupedCount } from "../../ui/figures";
import { isolated } from "../../ui/isolated";
import { parseInstant, shownDateTime } from "../../ui/time";
import classes from "./EntryComparison.module.css";

type Other = "previous" | "current" | "picked";

const choices: { value: Other; label: string }[] = [
  { value: "previous", label: "Previous" },
  { value: "current", label: "Current" },
  { value: "picked", label: "Pick…" },
];

/** What the version that this change made differs in: from the one before, from now, or from any other. */
export function EntryComparison({ entry }: { entry: AuditEntry }) {
  const [other, setOther] = useState<Other>("previous");
  const [picked, setPicked] = useState<number | null>(null);
  // A legacy program's entry has no version of its own to compare.
  if (entry.actor_source === "legacy") return <ChangeDiff changes={entry.changes} />;
  return (
    <div className={classes.comparison}>
      <div className={classes.head}>
        <span className={classes.against}>Against</span>
        <SegmentedControl
          size="xs"
          aria-label="Compare against"
          data={choices}
          value={other}
          onChange={(chosen) => setOther(chosen as Other)}
        />
        {other === "picked" && <RevisionPicker entry={entry} value={picked} onChange={setPicked} />}
      </div>
      {other === "previous" ? (
        <Change entry={entry} />
      ) : other === "current" ? (
        <OtherVersion entry={entry} other="now" />
      ) : picked !== null ? (
        <OtherVersion entry={entry} other={picked} />
      ) : (
        <p className={classes.hint}>Choose a version of {isolated(entry.extension_id)} to compare with.</p>
      )}
    </div>
  );
}

function momentOf(revision: number): Moment {
  return { kind: "revision", value: revision };
}

/** The change itself, which is there at once; what it left as it was follows. */
function Change({ entry }: { entry: AuditEntry }) {
  const { data } = useExtensionComparison(
    entry.extension_id,
    momentOf(entry.revision - 1),
    momentOf(entry.revision),
  );
  const version = data?.after ?? data?.before;
  return (
    <ChangeDiff changes={entry.changes} fields={version ? fieldsOf(version) : undefined} withLayoutSwitch />
  );
}

function OtherVersion({ entry, other }: { entry: AuditEntry; other: number | "now" }) {
  // The older side stands first, so that a plus is what came later.
  const isOlder = other !== "now" && other < entry.revision;
  const here = { moment: momentOf(entry.revision), name: `#${groupedCount(entry.revision)}` };
  const there =
    other === "now"
      ? { moment: now, name: "Now" }
      : { moment: momentOf(other), name: `#${groupedCount(other)}` };
  const [before, after] = isOlder ? [there, here] : [here, there];
  const { data, error } = useExtensionComparison(entry.extension_id, before.moment, after.moment);
  if (error) return <ErrorNote error={toErrorReport(error)} />;
  if (!data) return <p className={classes.hint}>Comparing…</p>;
  if (data.changes.length === 0)
    return (
      <p className={classes.hint}>
        {other === "now"
          ? `It is now as ${here.name} left it.`
          : `The versions ${before.name} and ${after.name} are the same.`}
      </p>
    );
  const version = data.after ?? data.before;
  return (
    <ChangeDiff
      changes={data.changes}
      fields={version ? fieldsOf(version) : undefined}
      sides={{ before: before.name, after: after.name }}
      withLayoutSwitch
    />
  );
}

type RevisionPickerProps = {
  entry: AuditEntry;
  value: number | null;
  onChange: (revision: number | null) => void;
};

function RevisionPicker({ entry, value, onChange }: RevisionPickerProps) {
  const { data, isPending, hasNextPage, isFetchingNextPage, fetchNextPage } = useExtensionHistory(
    entry.extension_id,
  );
  // A legacy program's entry has no version.
  const versions = (data ?? []).filter(
    (other) => other.revision !== entry.revision && other.actor_source !== "legacy",
  );
  const isAlone = !isPending && versions.length === 0 && !hasNextPage;
  return (
    <>
      <Select
        size="xs"
        w={260}
        searchable
        aria-label="Version to compare with"
        placeholder={isAlone ? "There is no other version" : "Choose a version"}
        data={versions.map((version) => ({
          value: String(version.revision),
          label: `#${groupedCount(version.revision)} ${version.action} by ${actor(version)}, ${timeOf(version)}`,
        }))}
        value={value === null ? null : String(value)}
        onChange={(chosen) => onChange(chosen === null ? null : Number(chosen))}
      />
      {hasNextPage && (
        <Button
          size="compact-xs"
          variant="subtle"
          loading={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          Offer older
        </Button>
      )}
    </>
  );
}

function timeOf(entry: AuditEntry): string {
  const instant = parseInstant(entry.timestamp);
  return instant ? shownDateTime(instant) : "time unknown";
}
