import { type ReactNode, useId } from "react";
import classes from "./Settings.module.css";

type SectionProps = {
  title: string /** The names of the facts are sentences. */;
  wideNames?: boolean;
  children: ReactNode;
};

export function Section({ title, wideNames, children }: SectionProps) {
  const titleId = useId();
  return (
    // The command palette leads here by the id.
    <section
      id={title.toLowerCase().replaceAll(" ", "-")}
      className={classes.section}
      data-wide-names={wideNames}
      aria-labelledby={titleId}
    >
      <h2 id={titleId} className={classes.title}>
        {title}
      </h2>
      {children}
    </section>
  );
}
