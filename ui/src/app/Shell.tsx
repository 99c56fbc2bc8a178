import { Outlet, useLocation } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { usePermissions } from "../api/access";
import { useConnectionProfile } from "../api/connections";
import { useDatabase } from "../api/database";
import { SealShield } from "../features/audit/SealShield";
import { QuestionHost } from "../features/extensions/ConfirmDialog";
import { useFileDrop } from "../features/transfer/useFileDrop";
import { IconFileImport } from "../ui/icons";
import { LoginContext } from "../ui/login";
import { useShortcuts } from "../ui/useShortcuts";
import { ColorSchemeToggle } from "./ColorSchemeToggle";
import { CommandPalette, SearchButton } from "./CommandPalette";
import { DatabaseLine } from "./DatabaseLine";
import { Navigation } from "./Navigation";
import { NoticeList } from "./NoticeList";
import { NoticesPaused } from "./NoticesPaused";
import classes from "./Shell.module.css";
import { ShortcutsDialog } from "./ShortcutsDialog";
import { useHealthNotices } from "./useHealthNotices";
import { useLinks } from "./useLinks";
import { useMenu } from "./useMenu";
import { useSafetyNotices } from "./useSafetyNotices";

export function Shell() {
  const main = useRef<HTMLElement>(null);
  const path = useLocation({ select: (location) => location.pathname });
  const [keysShown, setKeysShown] = useState(false);
  const showKeys = () => setKeysShown(true);
  const isFileOver = useFileDrop();
  const status = useDatabase().progress?.status;
  const name = status?.state === "ready" ? status.login : null;
  const worksAs = usePermissions().data?.works_as ?? null;
  const isProduction = useConnectionProfile().is_production;
  const login = useMemo(() => ({ name, worksAs }), [name, worksAs]);
  useShortcuts({ "?": showKeys });
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
        <CommandPalette onShowKeys={showKeys} />
        <QuestionHost />
        <ShortcutsDialog opened={keysShown} onClose={() => setKeysShown(false)} />
      </div>
    </LoginContext>
  );
}
