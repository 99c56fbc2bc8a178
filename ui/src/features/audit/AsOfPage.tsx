import { Button, NumberInput, SegmentedControl } from "@mantine/core";
import { DateTimePicker } from "@mantine/dates";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { toErrorReport } from "../../api/command";
import { useChangedSince, useRegistryAsOf } from "../../api/timeTravel";
import type { ExtensionDifference, PastRegistry } from "../../bindings";
import { ChangeDiff } from "../../ui/ChangeDiff";
import { EmptyState } from "../../ui/EmptyState";
import { ErrorState } from "../../ui/ErrorState";
import { counted, groupedCount } from "../../ui/figures";
import { IconCircleCheck, IconClockEdit, IconHistory } from "../../ui/icons";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { localDateTime, localInstant, parseInstant } from "../../ui/time";
import classes from "./AsOfPage.module.css";
import { type AsOfSearch, momentOf, readAsOfSearch } from "./asOfSearch";
import { HistoryLink } from "./HistoryLink";
import { PastExtensions } from "./PastExtensions";

const route = getRouteApi("/as-of");

type View = "then" | "since";

/** The whole registry at any moment, read-only, and what has changed since. */
export function AsOfPage() {
  const address = route.useSearch();
  const search = useMemo(() => readAsOfSearch({ ...address }), [address]);
  const moment = useMemo(() => momentOf(search), [search]);
  const navigate = useNavigate();
  const [view, setView] = useState<View>("then");
  const past = useRegistryAsOf(moment);
  const since = useChangedSince(moment);
  const failed = past.error ?? (view === "since" ? since.error : null);

  return (
    <>
      <PageHeader
        title="Registry as of"
        summary={past.data ? momentWords(search, past.data) : "Any moment, read-only"}
      >
        <Button
          size="xs"
          variant="default"
          leftSection={<IconHistory size={14} aria-hidden />}
          onClick={() => void navigate({ to: "/audit", search: {} })}
        >
          Audit
        </Button>
      </PageHeader>
      <MomentForm key={JSON.stringify(search)} search={search} />
      {moment === null ? (
        <Panel>
          <EmptyState icon={IconClockEdit} title="Choose a moment">
            Give a revision or a date and a time, and the registry is shown as it was then. From any entry of
            the audit log, “Registry as of here” leads here too.
          </EmptyState>
        </Panel>
      ) : failed ? (
        <Panel>
          <ErrorState
            tried="The registry of that moment could not be read"
            error={toErrorReport(failed)}
            onRetry={() => {
              void past.refetch();
              void since.refetch();
            }}
          />
        </Panel>
      ) : (
        <>
          <SegmentedControl
            className={classes.views ?? ""}
            aria-label="What to show"
            data={[
              {
                value: "then",
                label: `Registry then${past.data ? ` (${groupedCount(past.data.extensions.length)})` : ""}`,
              },
              {
                value: "since",
                label: `Changed since${since.data ? ` (${groupedCount(since.data.length)})` : ""}`,
              },
            ]}
            value={view}
            onChange={(chosen) => setView(chosen as View)}
          />
          {view === "then" ? <Then past={past.data} /> : <Since differences={since.data} />}
        </>
      )}
    </>
  );
}

function momentWords(search: AsOfSearch, past: PastRegistry): string {
  const instant = parseInstant(search.time ?? null);
  const revision = `after #${groupedCount(past.revision)}`;
  return instant ? `${localDateTime(instant)}, ${revision}` : `Right ${revision}`;
}

function MomentForm({ search }: { search: AsOfSearch }) {
  const navigate = useNavigate({ from: "/as-of" });
  const [by, setBy] = useState(search.time === undefined ? "revision" : "time");
  const [revision, setRevision] = useState<number | string>(search.revision ?? "");
  const [time, setTime] = useState<string | null>(search.time ? localDateTime(new Date(search.time)) : null);
  const chosen: AsOfSearch | null =
    by === "revision"
      ? typeof revision === "number"
        ? { revision }
        : null
      : time === null
        ? null
        : { time: localInstant(time).toISOString() };
  return (
    <form
      className={classes.moment}
      aria-label="Moment"
      onSubmit={(event) => {
        event.preventDefault();
        if (chosen) void navigate({ search: chosen });
      }}
    >
      <SegmentedControl
        size="xs"
        aria-label="Moment by"
        data={[
          { value: "revision", label: "Revision" },
          { value: "time", label: "Date and time" },
        ]}
        value={by}
        onChange={setBy}
      />
      {by === "revision" ? (
        <NumberInput
          size="xs"
          w={140}
          aria-label="Revision"
          placeholder="such as 1204"
          prefix="#"
          min={0}
          allowDecimal={false}
          allowNegative={false}
          hideControls
          value={revision}
          onChange={setRevision}
        />
      ) : (
        <DateTimePicker
          size="xs"
          w={200}
          aria-label="Date and time, local"
          placeholder="local time"
          valueFormat="YYYY-MM-DD HH:mm:ss"
          withSeconds
          maxDate={new Date()}
          value={time}
          onChange={setTime}
        />
      )}
      <Button size="xs" type="submit" disabled={chosen === null}>
        Show
      </Button>
    </form>
  );
}

function Then({ past }: { past: PastRegistry | undefined }) {
  return (
    <Panel>
      {past === undefined ? (
        <SkeletonRows label="Reading the registry of that moment" />
      ) : past.extensions.length === 0 ? (
        <EmptyState icon={IconClockEdit} title="There was no extension then">
          Choose a later moment.
        </EmptyState>
      ) : (
        <PastExtensions extensions={past.extensions} />
      )}
    </Panel>
  );
}

const kinds = {
  created: "added since",
  changed: "changed since",
  deleted: "deleted since",
} as const;

/** More than this are counted and not drawn: the timeline is the place for so many. */
const drawnMax = 200;

function Since({ differences }: { differences: ExtensionDifference[] | undefined }) {
  if (differences === undefined) {
    return (
      <Panel>
        <SkeletonRows label="Comparing with now" />
      </Panel>
    );
  }
  if (differences.length === 0) {
    return (
      <Panel>
        <EmptyState icon={IconCircleCheck} title="Nothing differs">
          The registry is now as it was then.
        </EmptyState>
      </Panel>
    );
  }
  return (
    <>
      <p className={classes.legend}>− is then, + is now</p>
      {differences.slice(0, drawnMax).map((difference) => (
        <section
          key={difference.extension_id}
          className={classes.difference}
          aria-label={difference.extension_id}
          data-kind={difference.kind}
        >
          <header className={classes.head}>
            <HistoryLink id={difference.extension_id} />
            <span className={classes.kind}>{kinds[difference.kind]}</span>
          </header>
          {difference.kind === "changed" ? (
            <ChangeDiff changes={difference.changes} />
          ) : (
            <details>
              <summary>{counted(difference.changes.length, "value")}</summary>
              <ChangeDiff changes={difference.changes} />
            </details>
          )}
        </section>
      ))}
      {differences.length > drawnMax && (
        <p className={classes.legend}>And {counted(differences.length - drawnMax, "more extension")}.</p>
      )}
    </>
  );
}
