import { Outlet, useLocation } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { ColorSchemeToggle } from "./ColorSchemeToggle";
import { DatabaseLine } from "./DatabaseLine";
import { Navigation } from "./Navigation";
import classes from "./Shell.module.css";

export function Shell() {
  const main = useRef<HTMLElement>(null);
  const path = useLocation({ select: (location) => location.pathname });

  // The element that scrolls outlives the page in it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the path is what it waits for
  useEffect(() => {
    if (main.current) main.current.scrollTop = 0;
  }, [path]);

  return (
    <div className={classes.shell}>
      <Navigation />
      <header className={classes.header}>
        <DatabaseLine />
        <ColorSchemeToggle />
      </header>
      <main ref={main} className={classes.main}>
        <Outlet />
      </main>
    </div>
  );
}
