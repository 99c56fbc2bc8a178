import { Button, Radio, SegmentedControl } from "@mantine/core";
import { useMemo, useState } from "react";
import type { FieldChange, RevisionConflict } from "../../../bindings";
import { ChangeDiff } from "../../../ui/ChangeDiff";
import { ChangeValue } from "../../../ui/ChangeValue";
import { indented, placeName, sidesOf } from "../../../ui/fieldChanges";
import { counted, groupedCount } from "../../../ui/figures";
import { jsonAt, pointerParts, withValueAt } from "../../../ui/jsonChanges";
import { Timestamp } from "../../../ui/Timestamp";
import type { ExtensionFields } from "../extensionRules";
import classes from "./ConflictView.module.css";
import { fieldsOf, formChanges, type Seen, versionOf } from "./draft";
import formClasses from "./ExtensionForm.module.css";

type Side = "theirs" | "yours";

type ConflictViewProps = {
  conflict: RevisionConflict;
  /** What both began from. */
  base: Seen;
  yours: ExtensionFields;
  isSaving: boolean;
  /** Another question stands where the buttons are. */
  isAsked: boolean;
  /** Why nothing can be saved now. */
  away: string | null;
  onBack: () => void;
  /** Goes on in the form with what is merged so far, over what is there now. */
  onEdit: (resolved: ExtensionFields) => void;
  /** The extension as it is to be, with a side chosen at each place. */
  onSave: (resolved: ExtensionFields) => void;
};

/** Two people changed the same: nothing was overwritten, and for each place one side is chosen. */
export function ConflictView(props: ConflictViewProps) {
  const { conflict, base, yours, isSaving, isAsked, away, onBack, onEdit, onSave } = props;
  const [chosen, setChosen] = useState<Record<string, Side>>({});
  const { paths, current } = conflict;
  const last = current.extension.last_change;
  const who = last?.changed_by ?? "somebody else";
  const openCount = paths.filter((path) => chosen[path] === undefined).length;
  const chooseAll = (side: Side) => setChosen(Object.fromEntries(paths.map((path) => [path, side])));
  const resolved = useMemo(() => resolve(conflict, yours, chosen), [conflict, yours, chosen]);

  return (
    <div className={classes.view}>
      <div className={classes.intro}>
        <p>
          <bdi>{who}</bdi> changed the same as you. Nothing was overwritten: choose for each place; everything
          else of both is kept.
        </p>
        <Button size="xs" variant="default" onClick={() => chooseAll("theirs")}>
          All theirs
        </Button>
        <Button size="xs" variant="default" onClick={() => chooseAll("yours")}>
          All yours
        </Button>
      </div>
      <div className={classes.places}>
        <div className={classes.heads}>
          <span>Base: as you opened it, #{groupedCount(base.revision)}</span>
          <span>
            Theirs: <bdi>{who}</bdi>
            {last?.timestamp && (
              <>
                , <Timestamp value={last.timestamp} />
              </>
            )}
          </span>
          <span>Yours</span>
        </div>
        {paths.map((path) => (
          <Place
            key={path}
            sides={sidesAt(path, conflict, base.fields, yours)}
            chosen={chosen[path]}
            onChoose={(side) => setChosen({ ...chosen, [path]: side })}
          />
        ))}
      </div>
      <Merged theirs={fieldsOf(current)} base={base.fields} resolved={resolved} openCount={openCount} />
      {!isAsked && (
        <footer className={formClasses.footer}>
          <Button size="xs" variant="default" onClick={onBack}>
            Back
          </Button>
          <Button
            size="xs"
            variant="default"
            disabled={openCount > 0}
            title={openCount > 0 ? `Choose a side for ${openCount} more` : undefined}
            onClick={() => onEdit(resolved)}
          >
            Edit the result
          </Button>
          <Button
            size="xs"
            loading={isSaving}
            disabled={openCount > 0 || away !== null}
            title={openCount > 0 ? `Choose a side for ${openCount} more` : (away ?? undefined)}
            onClick={() => onSave(resolved)}
          >
            Save
          </Button>
        </footer>
      )}
    </div>
  );
}

/** What each has at a place, as JSON text; null where there is nothing. */
type Sides = { path: string; base: string | null; theirs: string | null; yours: string | null };

type PlaceProps = { sides: Sides; chosen: Side | undefined; onChoose: (side: Side) => void };

function Place({ sides, chosen, onChoose }: PlaceProps) {
  const name = placeName(sides);
  return (
    <div className={classes.place} role="radiogroup" aria-label={name}>
      <div className={classes.name}>
        <bdi>{name}</bdi>
      </div>
      <div className={classes.side} data-side="base">
        <Value before={null} after={sides.base} path={sides.path} />
      </div>
      {(["theirs", "yours"] as const).map((side) => (
        // biome-ignore lint/a11y/noLabelWithoutControl: the radio button is in it
        <label
          key={side}
          className={classes.side}
          data-side={side}
          data-chosen={chosen === side || undefined}
        >
          <Radio
            size="xs"
            name={`side of ${sides.path}`}
            aria-label={side === "theirs" ? "Theirs" : "Yours"}
            checked={chosen === side}
            onChange={() => onChoose(side)}
          />
          <Value before={sides.base} after={sides[side]} path={sides.path} />
        </label>
      ))}
    </div>
  );
}

/** A value, in which what differs from the base stands out. */
function Value({ before, after, path }: FieldChange) {
  if (after === null) return <span className={classes.nothing}>not there</span>;
  const parts = before === null ? indented(after) : (sidesOf({ path, before, after }).after ?? []);
  return (
    <pre className={classes.value}>
      <ChangeValue parts={parts} />
    </pre>
  );
}

type MergedProps = {
  theirs: ExtensionFields;
  base: ExtensionFields;
  resolved: ExtensionFields;
  openCount: number;
};

/** What would be saved, against what is there now or against what both began from. */
function Merged({ theirs, base, resolved, openCount }: MergedProps) {
  const [against, setAgainst] = useState<"theirs" | "base">("theirs");
  const from = against === "theirs" ? theirs : base;
  const changes = useMemo(() => formChanges(from, resolved), [from, resolved]);
  const fields = useMemo(() => versionOf(resolved), [resolved]);
  return (
    <section className={classes.merged} aria-label="The result">
      <div className={classes.mergedHead}>
        <h3>The result</h3>
        <span className={classes.open}>
          {openCount > 0 && `${counted(openCount, "place")} still open: shown as theirs`}
        </span>
        <SegmentedControl
          size="xs"
          aria-label="Compared with"
          data={[
            { value: "theirs", label: "Against now" },
            { value: "base", label: "Against the base" },
          ]}
          value={against}
          onChange={(value) => setAgainst(value as "theirs" | "base")}
        />
      </div>
      <ChangeDiff
        label="Changes of the result"
        changes={changes}
        fields={fields}
        sides={{ before: against === "theirs" ? "Now" : "Base", after: "The result" }}
        withLayoutSwitch
      />
    </section>
  );
}

function sidesAt(
  path: string,
  conflict: RevisionConflict,
  base: ExtensionFields,
  yours: ExtensionFields,
): Sides {
  // The refusal knows it best; it names each change where it is, which may be deeper than the place.
  const told = [...conflict.yours, ...conflict.theirs].find((change) => change.path === path);
  return {
    path,
    base: told ? told.before : textAt(base, path),
    theirs: textAt(fieldsOf(conflict.current), path),
    yours: textAt(yours, path),
  };
}

/** What is at a place, as JSON text; null where there is nothing. */
function textAt(fields: ExtensionFields, path: string): string | null {
  const [field, ...inside] = pointerParts(path);
  if (field === "config" || field === "metadata") return jsonAt(fields[field], inside);
  return JSON.stringify(fields[field as keyof ExtensionFields] ?? null);
}

/** Theirs as it is now, with every change of yours that does not conflict and those that were chosen. */
export function resolve(
  conflict: RevisionConflict,
  yours: ExtensionFields,
  chosen: Record<string, Side>,
): ExtensionFields {
  let resolved = fieldsOf(conflict.current);
  for (const { path } of conflict.yours) {
    const contested = conflict.paths.find((place) => path === place || path.startsWith(`${place}/`));
    if (contested !== undefined && chosen[contested] !== "yours") continue;
    const [field, ...inside] = pointerParts(path);
    if (field === "config" || field === "metadata") {
      const value = jsonAt(yours[field], inside);
      resolved = { ...resolved, [field]: withValueAt(resolved[field], inside, value) };
    } else if (field !== undefined && field in resolved) {
      resolved = { ...resolved, [field]: yours[field as keyof ExtensionFields] };
    }
  }
  return resolved;
}
