import type { TablerIcon } from "@tabler/icons-react";
import { Link, type LinkProps, useNavigate } from "@tanstack/react-router";
import { useSafetyTroubles } from "../api/backups";
import { useConsumers } from "../api/cache";
import { useExtensions } from "../api/extensions";
import { useHealthAlarms } from "../api/health";
import { counted, groupedCount } from "../ui/figures";
import {
  IconActivity,
  IconDatabase,
  IconHelp,
  IconHistory,
  IconPuzzle,
  IconRouter,
  IconSettings,
} from "../ui/icons";
import { undoLast } from "../ui/notify";
import { useShortcuts } from "../ui/useShortcuts";
import { BrandMark } from "./BrandMark";
import classes from "./Navigation.module.css";

export function Navigation() {
  const extensions = useExtensions();
  const consumers = useConsumers();
  const navigate = useNavigate();
  const troubleCount = useSafetyTroubles().length;
  const alarmCount = useHealthAlarms().data?.alarms.length ?? 0;

  useShortcuts({
    "g e": () => void navigate({ to: "/extensions" }),
    "g a": () => void navigate({ to: "/audit" }),
    "g t": () => void navigate({ to: "/as-of" }),
    "g i": () => void navigate({ to: "/import" }),
    "g h": () => void navigate({ to: "/health" }),
    "g r": () => void navigate({ to: "/routers" }),
    "g b": () => void navigate({ to: "/backups" }),
    "g c": () => void navigate({ to: "/connections" }),
    "g s": () => void navigate({ to: "/settings" }),
    z: undoLast,
  });

  return (
    <nav className={classes.navigation} aria-label="Pages">
      <div className={classes.brand}>
        <BrandMark />
        <span className={classes.brandName}>Beamline</span>
      </div>
      <Entry to="/extensions" icon={IconPuzzle} keys="g e" name="Extensions">
        {extensions.data && <span className={classes.count}>{groupedCount(extensions.data.length)}</span>}
      </Entry>
      <Entry to="/audit" icon={IconHistory} keys="g a" name="Audit" />
      <Entry to="/health" icon={IconActivity} keys="g h" name="Health">
        {alarmCount > 0 && (
          <span className={classes.count} data-tone="bad">
            {counted(alarmCount, "alarm")}
          </span>
        )}
      </Entry>
      <Entry to="/routers" icon={IconRouter} keys="g r" name="Routers">
        {consumers.data && consumers.data.length > 0 && (
          <span className={classes.count}>{consumers.data.length}</span>
        )}
      </Entry>
      <Entry to="/backups" icon={IconDatabase} keys="g b" name="Backups">
        {troubleCount > 0 && (
          <span className={classes.count} data-tone="bad">
            {counted(troubleCount, "warning")}
          </span>
        )}
      </Entry>
      <Entry to="/settings" icon={IconSettings} keys="g s" name="Settings" />
      <Entry to="/help" icon={IconHelp} keys="F1" name="Help" />
    </nav>
  );
}

type EntryProps = {
  to: NonNullable<LinkProps["to"]>;
  icon: TablerIcon;
  keys: string;
  name: string;
  children?: React.ReactNode;
};

function Entry({ to, icon: Icon, keys, name, children }: EntryProps) {
  return (
    <Link to={to} className={classes.entry} aria-keyshortcuts={keys} title={name} draggable={false}>
      <Icon size={16} stroke={1.7} aria-hidden />
      {/* The space keeps the name and the count two words where the link is read aloud. */}
      <span className={classes.name}>{name}</span> {children}
    </Link>
  );
}
