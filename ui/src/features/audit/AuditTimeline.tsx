import { useState } from "react";
import type { AuditEntry } from "../../bindings";
import { Panel } from "../../ui/Panel";
import { useNow } from "../../ui/useNow";
import classes from "./AuditTimeline.module.css";
import { AuditTimelineEntry } from "./AuditTimelineEntry";
import { groupByDay } from "./auditDays";
import type { SearchChange } from "./auditSearch";

type AuditTimelineProps = {
  entries: readonly AuditEntry[];
  /** Shows only what has this in common; without it there is nothing to narrow. */
  onNarrow?: ((more: SearchChange) => void) | undefined;
};

export function AuditTimeline({ entries, onNarrow }: AuditTimelineProps) {
  const now = useNow();
  const [openIds, setOpenIds] = useState<ReadonlySet<number>>(new Set());

  function toggle(id: number) {
    const next = new Set(openIds);
    if (!next.delete(id)) next.add(id);
    setOpenIds(next);
  }

  return groupByDay(entries, now).map((day) => (
    <section key={day.key} className={classes.day} aria-label={day.name}>
      <h2 className={classes.dayName}>{day.name}</h2>
      <Panel>
        <ol className={classes.entries}>
          {day.entries.map((entry) => (
            <AuditTimelineEntry
              key={entry.revision}
              entry={entry}
              open={openIds.has(entry.revision)}
              onToggle={() => toggle(entry.revision)}
              onNarrow={onNarrow}
            />
          ))}
        </ol>
      </Panel>
    </section>
  ));
}
