import { measureElement, useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import type { ExtensionDifference } from "../../bindings";
import { ChangeDiff, DiffLayoutSwitch } from "../../ui/ChangeDiff";
import { counted } from "../../ui/figures";
import classes from "./AsOfPage.module.css";
import { HistoryLink } from "./HistoryLink";

/** About as high as one with one changed field. */
const estimatedHeight = 96;

const kinds = {
  created: "added since",
  changed: "changed since",
  deleted: "deleted since",
} as const;

/** The extensions that differ, each with what differs of it. */
export function ChangedExtensions({ differences }: { differences: readonly ExtensionDifference[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: differences.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => estimatedHeight,
    getItemKey: (index) => differences[index]?.extension_id ?? index,
    measureElement: (element, entry, instance) => measureElement(element, entry, instance) || estimatedHeight,
    overscan: 5,
  });
  return (
    <>
      <div className={classes.legend}>
        <span>− is then, + is now</span>
        <DiffLayoutSwitch />
      </div>
      <div ref={scroller} className={classes.past}>
        <div className={classes.rows} style={{ height: virtualizer.getTotalSize() }}>
          {virtualizer.getVirtualItems().map((item) => {
            const difference = differences[item.index];
            return (
              difference && (
                <div
                  key={item.key}
                  ref={virtualizer.measureElement}
                  data-index={item.index}
                  className={classes.row}
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  <Difference difference={difference} />
                </div>
              )
            );
          })}
        </div>
      </div>
    </>
  );
}

function Difference({ difference }: { difference: ExtensionDifference }) {
  return (
    <section className={classes.difference} aria-label={difference.extension_id} data-kind={difference.kind}>
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
  );
}
