import { spotlight } from "@mantine/spotlight";
import { Outlet, useLocation } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { usePermissions } from "../api/access";
import { useConnectionProfile } from "../api/connections";
import { useDatabase } from "../api/database";
import { SealShield } from "../features/audit/SealShield";
import { useFileDrop } from "../features/transfer/useFileDrop";
import { IconFileImport } from "../ui/icons";
import { later, useLater } from "../ui/later";
import { LoginContext } from "../ui/login";
import { useShortcuts } from "../ui/useShortcuts";
import { ColorSchemeToggle } from "./ColorSchemeToggle";
import { DatabaseLine } from "./DatabaseLine";
import { Navigation } from "./Navigation";
import { NoticeList } from "./NoticeList";
import { NoticesPaused } from "./NoticesPaused";
import { SearchButton } from "./SearchButton";
import classes from "./Shell.module.css";
import { useHealthNotices } from "./useHealthNotices";
import { useLinks } from "./useLinks";
import { useMenu } from "./useMenu";
import { useSafetyNotices } from "./useSafetyNotices";

// What lies over a page. What asks for one of them before its code is there gets it then.
const QuestionHost = later(async () => (await import("../features/extensions/ConfirmDialog")).QuestionHost);
const CommandPalette = later(async () => (await import("./CommandPalette")).CommandPalette);
const ShortcutsDialog = later(async () => (await import("./ShortcutsDialog")).ShortcutsDialog);

/** How long after the first page the code of all others is loaded, in milliseconds. */
const restMs = 500;

export function Shell() {
  const main = useRef<HTMLElement>(null);
  const path = useLocation({ select: (location) => location.pathname });
  const [keysShown, setKeysShown] = useState(false);
  const showKeys = () => setKeysShown(true);
  const isRestThere = useLater(restMs);
  const isFileOver = useFileDrop();
  const status = useDatabase().progress?.status;
  const name = status?.state === "ready" ? status.login : null;
  const worksAs = usePermissions().data?.works_as ?? null;
  const isProduction = useConnectionProfile().is_production;
  const login = useMemo(() => ({ name, worksAs }), [name, worksAs]);
  useShortcuts({
    "?": showKeys,
    // A dialog that has just opened may not have the focus yet.
    "Control+k": () => document.querySelector("[role=dialog]") === null && spotlight.open(),
  });
  useLinks();
  useMenu({ onShowKeys: showKeys });
  useHealthNotices();
  useSafetyNotices();

  // The element that scrolls outlives the page in it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the path is what it waits for
  useEffect(() => {
    if (main.current) main.current.scrollTop = 0;
  }, [path]);

  return (
    <LoginContext value={login}>
      <div className={classes.shell}>
        <Navigation />
        <header className={classes.header} data-production={isProduction || undefined}>
          <DatabaseLine />
          <div className={classes.tools}>
            <SealShield />
            <NoticesPaused />
            <SearchButton />
            <NoticeList />
            <ColorSchemeToggle />
          </div>
        </header>
        <main ref={main} className={classes.main}>
          <Outlet />
        </main>
        {isFileOver && (
          <div className={classes.drop}>
            <IconFileImport size={28} stroke={1.4} aria-hidden />
            Drop the file to see what it would change
          </div>
        )}
        {isRestThere && (
          <>
            <CommandPalette onShowKeys={showKeys} />
            <QuestionHost />
            <ShortcutsDialog opened={keysShown} onClose={() => setKeysShown(false)} />
          </>
        )}
      </div>
    </LoginContext>
  );
}
