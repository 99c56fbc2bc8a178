import type { TablerIcon } from "@tabler/icons-react";
import type { ReactNode } from "react";
import classes from "./StatusWord.module.css";

export type Tone = "good" | "quiet" | "warn" | "bad";

/** A state as an icon and a word, so that colour never carries it alone. */
export function StatusWord({
  icon: Icon,
  tone,
  children,
}: {
  icon: TablerIcon;
  tone: Tone;
  children: ReactNode;
}) {
  return (
    <span className={classes.status} data-tone={tone}>
      <Icon size={14} stroke={2} aria-hidden />
      <span>{children}</span>
    </span>
  );
}
