import { UnstyledButton } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef, useState } from "react";
import { fieldsOf } from "../../api/timeTravel";
import type { PastExtension } from "../../bindings";
import { ChangeDiff } from "../../ui/ChangeDiff";
import { ExtensionTypeBadge } from "../../ui/ExtensionTypeBadge";
import { exactDuration, groupedCount } from "../../ui/figures";
import { IconChevronRight, IconCircleCheck, IconCircleOff } from "../../ui/icons";
import { StatusWord } from "../../ui/StatusWord";
import classes from "./AsOfPage.module.css";
import { HistoryLink } from "./HistoryLink";

const rowHeight = 36;

/** The extensions of a moment, each of which opens to all of its fields. Nothing here changes anything. */
export function PastExtensions({ extensions }: { extensions: readonly PastExtension[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const [openIds, setOpenIds] = useState<ReadonlySet<string>>(new Set());
  const virtualizer = useVirtualizer({
    count: extensions.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => extensions[index]?.id ?? index,
    overscan: 10,
  });

  function toggle(id: string) {
    const next = new Set(openIds);
    if (!next.delete(id)) next.add(id);
    setOpenIds(next);
  }

  return (
    <>
      <div className={classes.columns} data-head aria-hidden>
        {["Extension", "Type", "Subject", "Timeout", "Retries", "State", "Since"].map((name) => (
          <span key={name}>{name}</span>
        ))}
      </div>
      <div ref={scroller} className={classes.past}>
        <ol
          className={classes.rows}
          aria-label="Registry then"
          style={{ height: virtualizer.getTotalSize() }}
        >
          {virtualizer.getVirtualItems().map((item) => {
            const extension = extensions[item.index];
            if (!extension) return null;
            const open = openIds.has(extension.id);
            return (
              <li
                key={item.key}
                ref={virtualizer.measureElement}
                data-index={item.index}
                className={classes.row}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <Row extension={extension} open={open} onToggle={() => toggle(extension.id)} />
                {open && (
                  <div className={classes.fields}>
                    <ChangeDiff label={`All fields of ${extension.id}`} plain changes={fieldsOf(extension)} />
                  </div>
                )}
              </li>
            );
          })}
        </ol>
      </div>
    </>
  );
}

type RowProps = { extension: PastExtension; open: boolean; onToggle: () => void };

function Row({ extension, open, onToggle }: RowProps) {
  return (
    <div className={classes.columns} data-past-extension={extension.id}>
      <span className={classes.name}>
        <UnstyledButton
          className={classes.toggle}
          aria-expanded={open}
          aria-label={`All fields of ${extension.id}`}
          onClick={onToggle}
        >
          <IconChevronRight size={13} aria-hidden />
        </UnstyledButton>
        <HistoryLink id={extension.id} />
      </span>
      <span>
        <ExtensionTypeBadge type={extension.type} />
      </span>
      <span className={classes.subject} title={extension.subject}>
        {extension.subject}
      </span>
      <span>{exactDuration(extension.timeout_ms)}</span>
      <span>×{extension.retry}</span>
      <span>
        <StatusWord
          icon={extension.enabled ? IconCircleCheck : IconCircleOff}
          tone={extension.enabled ? "good" : "quiet"}
        >
          {extension.enabled ? "On" : "Off"}
        </StatusWord>
      </span>
      <span className={classes.revision}>#{groupedCount(extension.revision)}</span>
    </div>
  );
}
