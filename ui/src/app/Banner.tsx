import type { TablerIcon } from "@tabler/icons-react";
import { type ReactNode, useEffect, useState } from "react";
import { age } from "../ui/figures";
import { Timestamp } from "../ui/Timestamp";
import classes from "./Banner.module.css";

type BannerProps = {
  label: string;
  icon: TablerIcon;
  isBad: boolean;
  title: string;
  /** What there is to know, after the title. */
  words: ReactNode;
  /** What can be done about it. */
  children?: ReactNode;
};

/** Over everything: what holds for all that is shown below. */
export function Banner({ label, icon: Icon, isBad, title, words, children }: BannerProps) {
  return (
    <section className={classes.banner} aria-label={label} data-failed={isBad || undefined}>
      <Icon size={15} aria-hidden />
      <div className={classes.words} role="status">
        <strong>{title}</strong> <span>{words}</span>
      </div>
      {children}
    </section>
  );
}

export function BannerCode({ children }: { children: string }) {
  return (
    <span className={classes.code} data-testid="error-code">
      {children}
    </span>
  );
}

/** How old what is shown is, by the second, and that nothing typed is lost. */
export function ShownSince({ since }: { since: number }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <>
      What is shown is of <Timestamp value={new Date(since).toISOString()} format="clock" />
      <span className={classes.ago}>, {age(Math.max(0, now - since))} ago</span>. What you type stays.
    </>
  );
}
