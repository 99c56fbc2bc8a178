import { Button, SegmentedControl, Select, Switch } from "@mantine/core";
import { useState } from "react";
import { useExtensionHistory } from "../../api/audit";
import { toErrorReport } from "../../api/command";
import { useExtensionDifference, useExtensionFields } from "../../api/timeTravel";
import type { AuditEntry, Moment } from "../../bindings";
import { ChangeDiff } from "../../ui/ChangeDiff";
import { ErrorNote } from "../../ui/ErrorNote";
import { groupedCount } from "../../ui/figures";
import { localDateTime, parseInstant } from "../../ui/time";
import { actor } from "./auditSentence";
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
  const [showsAll, setShowsAll] = useState(false);
  // A legacy program's entry has no version of its own to compare.
  const hasVersion = entry.actor_source !== "legacy";
  return (
    <div className={classes.comparison}>
      {hasVersion && (
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
          <Switch
            size="xs"
            className={classes.all ?? ""}
            label="All fields"
            checked={showsAll}
            onChange={(event) => setShowsAll(event.currentTarget.checked)}
          />
        </div>
      )}
      {other === "previous" ? (
        <ChangeDiff changes={entry.changes} />
      ) : other === "current" ? (
        <OtherVersion entry={entry} other="now" />
      ) : picked !== null ? (
        <OtherVersion entry={entry} other={picked} />
      ) : (
        <p className={classes.hint}>Choose a version of {entry.extension_id} to compare with.</p>
      )}
      {showsAll && <AllFields entry={entry} />}
    </div>
  );
}

function OtherVersion({ entry, other }: { entry: AuditEntry; other: number | "now" }) {
  const here: Moment = { kind: "revision", value: entry.revision };
  // The older side stands first, so that a plus is what came later.
  const isOlder = other !== "now" && other < entry.revision;
  const there: Moment | "now" = other === "now" ? "now" : { kind: "revision", value: other };
  const difference = useExtensionDifference(
    entry.extension_id,
    isOlder ? there : here,
    isOlder ? here : there,
  );
  if (difference.error) return <ErrorNote error={toErrorReport(difference.error)} />;
  if (!difference.data) return <p className={classes.hint}>Comparing…</p>;
  const name = other === "now" ? "the current one" : `#${groupedCount(other)}`;
  return (
    <>
      <p className={classes.hint}>
        {difference.data.length === 0
          ? `The version of #${groupedCount(entry.revision)} is the same as ${name}.`
          : isOlder
            ? `− is ${name}, + is #${groupedCount(entry.revision)}`
            : `− is #${groupedCount(entry.revision)}, + is ${name}`}
      </p>
      {difference.data.length > 0 && <ChangeDiff changes={difference.data} />}
    </>
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
  return instant ? localDateTime(instant) : "time unknown";
}

/** The whole version, field by field. */
function AllFields({ entry }: { entry: AuditEntry }) {
  const fields = useExtensionFields(entry.extension_id, entry.revision);
  if (fields.error) return <ErrorNote error={toErrorReport(fields.error)} />;
  if (fields.data === undefined) return <p className={classes.hint}>Reading all fields…</p>;
  if (fields.data === null)
    return <p className={classes.hint}>This change left no version: it deleted it.</p>;
  return <ChangeDiff label="All fields" plain changes={fields.data} />;
}
