import type { ReactNode } from "react";
import classes from "./Panel.module.css";

/** The raised sheet that a table or a list lies on. */
export function Panel({ children }: { children: ReactNode }) {
  return <div className={classes.panel}>{children}</div>;
}
