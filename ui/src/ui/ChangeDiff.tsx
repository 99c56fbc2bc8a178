import { Button, SegmentedControl, UnstyledButton } from "@mantine/core";
import { type ReactNode, useMemo, useState } from "react";
import type { FieldChange } from "../bindings";
import classes from "./ChangeDiff.module.css";
import { ChangeValue } from "./ChangeValue";
import { type DiffRun, diffRuns } from "./diffRows";
import { indented, placeName, sidesOf, type ValuePart } from "./fieldChanges";
import { counted } from "./figures";
import { IconChevronRight } from "./icons";
import { type DiffLayout, useDiffLayout } from "./useDiffLayout";

type ChangeDiffProps = {
  changes: readonly FieldChange[];
  label?: string;
  /** Values of one version, which have no sides. */
  plain?: boolean;
  /** All fields of either version, each with its value as `after`: what is unchanged can be unfolded then. */
  fields?: readonly FieldChange[] | undefined;
  /** What the two sides are, such as "Now" and "#12"; stands above them. */
  sides?: { before: ReactNode; after: ReactNode } | undefined;
  /** Whether the switch between both layouts stands above it. One for several diffs is `DiffLayoutSwitch`. */
  withLayoutSwitch?: boolean;
};

/**
 * What changed, each side marked by a sign as well as by colour; side by side or one below the other, as was
 * chosen last. What is unchanged is folded.
 */
export function ChangeDiff(props: ChangeDiffProps) {
  const { changes, label = "Changes", plain = false, fields, sides, withLayoutSwitch = false } = props;
  const [layout] = useDiffLayout();
  const [isOpen, setOpen] = useState(false);
  const runs = useMemo(() => diffRuns(changes, fields), [changes, fields]);
  const unchangedCount = runs.reduce((sum, run) => sum + (run.kind === "unchanged" ? run.rows.length : 0), 0);
  const shown: DiffLayout = plain ? "inline" : layout;

  if (changes.length === 0 && unchangedCount === 0) {
    return <p className={classes.none}>No field has another value than before.</p>;
  }
  return (
    <div className={classes.root}>
      {((withLayoutSwitch && !plain) || unchangedCount > 0) && (
        <div className={classes.head}>
          <span className={classes.count}>{plain ? "" : counted(changes.length, "change")}</span>
          {unchangedCount > 0 && (
            <Button size="compact-xs" variant="subtle" aria-pressed={isOpen} onClick={() => setOpen(!isOpen)}>
              {isOpen ? "Only what changed" : `Show ${unchangedCount} unchanged`}
            </Button>
          )}
          {withLayoutSwitch && !plain && <DiffLayoutSwitch />}
        </div>
      )}
      <div className={classes.diff} data-layout={shown} data-plain={plain || undefined}>
        {sides && (
          <div className={classes.sides}>
            <span>
              <span aria-hidden>−</span> {sides.before}
            </span>
            <span>
              <span aria-hidden>+</span> {sides.after}
            </span>
          </div>
        )}
        <dl aria-label={label}>
          {runs.map((run) =>
            run.kind === "changed" ? (
              <Changed key={run.change.path} change={run.change} plain={plain} layout={shown} />
            ) : (
              // A switch for all of them begins anew with what it says.
              <Unchanged key={`${run.rows[0]?.path} ${isOpen}`} run={run} isOpenAtFirst={isOpen} />
            ),
          )}
        </dl>
      </div>
    </div>
  );
}

/** Both layouts of a diff; what is chosen holds for all of them. */
export function DiffLayoutSwitch() {
  const [layout, setLayout] = useDiffLayout();
  return (
    <SegmentedControl
      size="xs"
      aria-label="Layout of changes"
      data={[
        { value: "side", label: "Side by side" },
        { value: "inline", label: "Inline" },
      ]}
      value={layout}
      onChange={(chosen) => setLayout(chosen as DiffLayout)}
    />
  );
}

function Place({ path }: { path: string }) {
  return (
    <dt>
      <bdi>{placeName({ path })}</bdi>
    </dt>
  );
}

type ChangedProps = { change: FieldChange; plain: boolean; layout: DiffLayout };

function Changed({ change, plain, layout }: ChangedProps) {
  const { before, after } = useMemo(() => sidesOf(change), [change]);
  const gap = layout === "side" && <dd data-mark="none" aria-hidden />;
  return (
    <div className={classes.field}>
      <Place path={change.path} />
      {before ? <Side mark="-" name="before" parts={before} /> : gap}
      {after ? <Side mark={plain ? null : "+"} name="after" parts={after} /> : gap}
    </div>
  );
}

type SideProps = { mark: "+" | "-" | null; name: string; parts: readonly ValuePart[] };

function Side({ mark, name, parts }: SideProps) {
  return (
    <dd data-mark={mark}>
      {mark !== null && (
        <span className={classes.mark} role="img" aria-label={name}>
          {mark === "-" ? "−" : "+"}
        </span>
      )}
      <bdi className={classes.value}>
        <ChangeValue parts={parts} />
      </bdi>
    </dd>
  );
}

/** So many folded places are named. */
const namedAtMost = 4;

type UnchangedProps = { run: DiffRun & { kind: "unchanged" }; isOpenAtFirst: boolean };

function Unchanged({ run, isOpenAtFirst }: UnchangedProps) {
  const [isOpen, setOpen] = useState(isOpenAtFirst);
  const { rows } = run;
  if (!isOpen) {
    const names = rows.slice(0, namedAtMost).map(({ path }) => placeName({ path }));
    const more = rows.length > names.length ? ", …" : "";
    return (
      <div className={classes.fold}>
        <dt>
          <UnstyledButton className={classes.unfold} onClick={() => setOpen(true)}>
            <IconChevronRight size={13} aria-hidden />
            {rows.length} unchanged
            <bdi className={classes.names}>
              {names.join(", ")}
              {more}
            </bdi>
          </UnstyledButton>
        </dt>
      </div>
    );
  }
  return rows.map(({ path, value }) => (
    <div key={path} className={classes.field} data-unchanged>
      <Place path={path} />
      <dd>
        <bdi className={classes.value}>
          <ChangeValue parts={indented(value)} />
        </bdi>
      </dd>
    </div>
  ));
}
