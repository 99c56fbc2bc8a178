import { Title } from "@mantine/core";
import type { ReactNode } from "react";
import classes from "./PageHeader.module.css";

type PageHeaderProps = {
  title: string;
  /** The page in one sentence, with figures. */
  summary?: ReactNode;
  /** What acts on the whole page, at the right edge. */
  children?: ReactNode;
};

export function PageHeader({ title, summary, children }: PageHeaderProps) {
  return (
    <header className={classes.header}>
      <div className={classes.words}>
        <Title order={1} className={classes.title}>
          {title}
        </Title>
        {summary !== undefined && <p className={classes.summary}>{summary}</p>}
      </div>
      {children !== undefined && <div className={classes.actions}>{children}</div>}
    </header>
  );
}
