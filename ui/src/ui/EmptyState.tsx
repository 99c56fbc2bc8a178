import type { TablerIcon } from "@tabler/icons-react";
import type { ReactNode } from "react";
import classes from "./Placeholder.module.css";

type EmptyStateProps = {
  icon: TablerIcon;
  title: string;
  /** What would put something here. */
  children: ReactNode;
  action?: ReactNode;
};

/** Nothing to show, and nothing wrong: one icon, one sentence, one action. */
export function EmptyState({ icon: Icon, title, children, action }: EmptyStateProps) {
  return (
    <div className={classes.placeholder}>
      <Icon className={classes.icon} size={28} stroke={1.4} aria-hidden />
      <h2 className={classes.title}>{title}</h2>
      <p className={classes.text}>{children}</p>
      {action}
    </div>
  );
}
