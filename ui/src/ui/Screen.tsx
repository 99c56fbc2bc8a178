import type { TablerIcon } from "@tabler/icons-react";
import type { ReactNode } from "react";
import classes from "./Screen.module.css";

type ScreenProps = {
  icon: TablerIcon;
  tone: "quiet" | "warn" | "bad";
  title: string;
  /** What it is about, in one line below the title. */
  about?: ReactNode;
  /** Read out at once: something went wrong. */
  isAlert?: boolean;
  children: ReactNode;
};

/** A view that takes the whole window, while there are no pages to navigate. */
export function Screen({ icon: Icon, tone, title, about, isAlert = false, children }: ScreenProps) {
  return (
    <main className={classes.screen}>
      <div className={classes.column} role={isAlert ? "alert" : undefined}>
        <div className={classes.head} data-tone={tone}>
          <Icon size={22} stroke={1.8} aria-hidden />
          <h1 className={classes.title}>{title}</h1>
        </div>
        {about !== undefined && <div className={classes.about}>{about}</div>}
        {children}
      </div>
    </main>
  );
}

export function ScreenMessage({ children }: { children: ReactNode }) {
  return <p className={classes.message}>{children}</p>;
}

/** What to do, or what follows from it. */
export function ScreenAction({ children }: { children: ReactNode }) {
  return <p className={classes.action}>{children}</p>;
}

export function ScreenButtons({ children }: { children: ReactNode }) {
  return <div className={classes.buttons}>{children}</div>;
}
