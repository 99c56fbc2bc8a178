import { UnstyledButton } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef, useState } from "react";
import type { DifferenceKind, PlannedChange } from "../../bindings";
import { ChangeDiff } from "../../ui/ChangeDiff";
import { ChangeValue } from "../../ui/ChangeValue";
import { inline, placeName } from "../../ui/fieldChanges";
import { IconChevronRight, IconPencil, IconPlus, IconTrash } from "../../ui/icons";
import classes from "./ImportPage.module.css";

const rowHeight = 36;
/** Up to so many changes are shown open: more would only be scrolled past. */
const openAtFirst = 12;

const looks: Record<DifferenceKind, { word: string; icon: typeof IconPlus }> = {
  created: { word: "new", icon: IconPlus },
  changed: { word: "changed", icon: IconPencil },
  deleted: { word: "deleted", icon: IconTrash },
};

/** Each extension that would change, with what of it. Only what is in sight is drawn. */
export function PlannedChanges({ changes }: { changes: readonly PlannedChange[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const [openIds, setOpenIds] = useState<ReadonlySet<string>>(() => {
    const changed = changes.filter(({ kind }) => kind === "changed");
    return new Set(changed.length > openAtFirst ? [] : changed.map(({ extension_id }) => extension_id));
  });
  const virtualizer = useVirtualizer({
    count: changes.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => changes[index]?.extension_id ?? index,
    overscan: 10,
  });

  function toggle(id: string) {
    const next = new Set(openIds);
    if (!next.delete(id)) next.add(id);
    setOpenIds(next);
  }

  return (
    <div ref={scroller} className={classes.scroller}>
      <ol className={classes.rows} aria-label="Changes" style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map((item) => {
          const change = changes[item.index];
          if (!change) return null;
          const open = openIds.has(change.extension_id);
          return (
            <li
              key={item.key}
              ref={virtualizer.measureElement}
              data-index={item.index}
              data-planned={change.extension_id}
              className={classes.row}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <Row change={change} open={open} onToggle={() => toggle(change.extension_id)} />
              {open && (
                <div className={classes.diff}>
                  <ChangeDiff label={`Changes of ${change.extension_id}`} changes={change.changes} />
                </div>
              )}
            </li>
          );
        })}
      </ol>
    </div>
  );
}

type RowProps = { change: PlannedChange; open: boolean; onToggle: () => void };

function Row({ change, open, onToggle }: RowProps) {
  const { word, icon: Icon } = looks[change.kind];
  return (
    <UnstyledButton className={classes.head} aria-expanded={open} data-kind={change.kind} onClick={onToggle}>
      <IconChevronRight className={classes.chevron} size={13} aria-hidden />
      <span className={classes.kind}>
        <Icon size={14} stroke={1.8} aria-hidden />
        {word}
      </span>
      <bdi className={classes.id}>{change.extension_id}</bdi>
      <span className={classes.what}>
        <What change={change} />
      </span>
      <span className={classes.line}>{change.place ? `line ${change.place.line}` : "not in the file"}</span>
    </UnstyledButton>
  );
}

/** What changes in a few words: the values where there is one place, else the places. */
function What({ change: { kind, changes } }: { change: PlannedChange }) {
  if (kind !== "changed") {
    const shownAt = (path: string) => {
      const found = changes.find((each) => each.path === path);
      return <ChangeValue parts={inline(found?.after ?? found?.before ?? null)} />;
    };
    return (
      <>
        {shownAt("/type")} · {shownAt("/subject")}
      </>
    );
  }
  const [first, second] = changes;
  if (first && !second)
    return (
      <>
        {placeName(first)} <ChangeValue parts={inline(first.before)} /> →{" "}
        <ChangeValue parts={inline(first.after)} />
      </>
    );
  return <bdi>{changes.map(placeName).join(", ")}</bdi>;
}
