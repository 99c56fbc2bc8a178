import { Button, NumberInput, SegmentedControl } from "@mantine/core";
import { DateTimePicker } from "@mantine/dates";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useChangedSince, useRegistryAsOf } from "../../api/timeTravel";
import type { ExtensionDifference, PastRegistry } from "../../bindings";
import { EmptyState } from "../../ui/EmptyState";
import { groupedCount } from "../../ui/figures";
import { IconCircleCheck, IconClockEdit, IconFilterOff, IconHistory } from "../../ui/icons";
import { isolated } from "../../ui/isolated";
import { PageHeader } from "../../ui/PageHeader";
import { Panel } from "../../ui/Panel";
import { SearchField } from "../../ui/SearchField";
import { SkeletonRows } from "../../ui/SkeletonRows";
import { localDateTime, localInstant, parseInstant, pickerFormat, shownDateTime } from "../../ui/time";
import classes from "./AsOfPage.module.css";
import { AuditFailure } from "./AuditFailure";
import { type AsOfSearch, momentOf, readAsOfSearch } from "./asOfSearch";
import { ChangedExtensions } from "./ChangedExtensions";
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
  const [sought, setSought] = useState("");
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
          <AuditFailure
            tried="The registry of that moment could not be read"
            thrown={failed}
            onRetry={() => {
              void past.refetch();
              void since.refetch();
            }}
          />
        </Panel>
      ) : (
        <>
          <div className={classes.views}>
            <SegmentedControl
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
            <SearchField
              w={240}
              label="Search ids, types and subjects"
              placeholder="Search ids, types, subjects"
              clearLabel="Clear the search"
              text={sought}
              onChange={setSought}
            />
          </div>
          {view === "then" ? (
            <Then past={past.data} sought={sought} onClear={() => setSought("")} />
          ) : (
            <Since differences={since.data} sought={sought} onClear={() => setSought("")} />
          )}
        </>
      )}
    </>
  );
}

function momentWords(search: AsOfSearch, past: PastRegistry): string {
  const instant = parseInstant(search.time ?? null);
  const revision = `after #${groupedCount(past.revision)}`;
  return instant ? `${shownDateTime(instant)}, ${revision}` : `Right ${revision}`;
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
          valueFormat={pickerFormat({ withSeconds: true })}
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

/** Whether one of the texts has what is sought, in upper or lower case. */
function has(sought: string, texts: readonly string[]): boolean {
  const lower = sought.trim().toLowerCase();
  return texts.some((text) => text.toLowerCase().includes(lower));
}

type SoughtProps = { sought: string; onClear: () => void };

function NothingFound({ sought, onClear }: SoughtProps) {
  return (
    <EmptyState
      icon={IconFilterOff}
      title={`Nothing has “${isolated(sought.trim())}” in it`}
      action={
        <Button size="xs" variant="default" onClick={onClear}>
          Show all
        </Button>
      }
    >
      The search looks at ids, types and subjects.
    </EmptyState>
  );
}

function Then({ past, sought, onClear }: SoughtProps & { past: PastRegistry | undefined }) {
  const found = useMemo(
    () => past?.extensions.filter(({ id, type, subject }) => has(sought, [id, type, subject])),
    [past, sought],
  );
  return (
    <Panel>
      {past === undefined || found === undefined ? (
        <SkeletonRows label="Reading the registry of that moment" />
      ) : past.extensions.length === 0 ? (
        <EmptyState
          icon={IconClockEdit}
          title="There was no extension then"
          action={
            <Button size="xs" variant="default" component={Link} to="/audit">
              Look in the audit log
            </Button>
          }
        >
          Choose a later moment.
        </EmptyState>
      ) : found.length === 0 ? (
        <NothingFound sought={sought} onClear={onClear} />
      ) : (
        <PastExtensions extensions={found} />
      )}
    </Panel>
  );
}

type SinceProps = SoughtProps & { differences: ExtensionDifference[] | undefined };

function Since({ differences, sought, onClear }: SinceProps) {
  const found = useMemo(
    () => differences?.filter((difference) => has(sought, searchedTexts(difference))),
    [differences, sought],
  );
  if (differences === undefined || found === undefined)
    return (
      <Panel>
        <SkeletonRows label="Comparing with now" />
      </Panel>
    );
  if (differences.length === 0)
    return (
      <Panel>
        <EmptyState
          icon={IconCircleCheck}
          title="Nothing differs"
          action={
            <Button size="xs" variant="default" component={Link} to="/extensions">
              Show the extensions
            </Button>
          }
        >
          The registry is now as it was then.
        </EmptyState>
      </Panel>
    );
  if (found.length === 0)
    return (
      <Panel>
        <NothingFound sought={sought} onClear={onClear} />
      </Panel>
    );
  return <ChangedExtensions differences={found} />;
}

/** The id, and the type and subject where they differ. */
function searchedTexts({ extension_id, changes }: ExtensionDifference): string[] {
  const named = changes.filter(({ path }) => path === "/type" || path === "/subject");
  return [extension_id, ...named.flatMap(({ before, after }) => [before ?? "", after ?? ""])];
}
