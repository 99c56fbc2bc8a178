import { Kbd, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { Spotlight, type SpotlightActionData, spotlight } from "@mantine/spotlight";
import type { TablerIcon } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { type ExtensionRow, useExtensions } from "../api/extensions";
import { useExtensionActions } from "../features/extensions/extensionActions";
import {
  IconActivity,
  IconArrowBackUp,
  IconCalendarTime,
  IconDeviceDesktop,
  IconFileImport,
  IconHistory,
  IconKeyboard,
  IconMoon,
  IconPencil,
  IconPlus,
  IconPuzzle,
  IconRouter,
  IconSearch,
  IconSettings,
  IconSun,
  IconToggleRight,
} from "../ui/icons";
import { isolated } from "../ui/isolated";
import { undoLast } from "../ui/notify";
import { useShortcuts } from "../ui/useShortcuts";
import palette from "./CommandPalette.module.css";
import classes from "./Shell.module.css";

/** As many extensions as are shown at once; more words find the others. */
const shownExtensions = 40;
/** Below this number of matches each extension offers its actions too. */
const withActionsBelow = 4;
/** Words that name what to do with an extension and are none of its name. */
const actionWords = new Set(["open", "edit", "duplicate", "switch", "on", "off", "history"]);

/** Every page, every action and every extension, by a few letters of its name. */
export function CommandPalette({ onShowKeys }: { onShowKeys: () => void }) {
  const [query, setQuery] = useState("");
  useShortcuts({
    // A dialog that has just opened may not have the focus yet.
    "Control+k": () => document.querySelector("[role=dialog]") === null && spotlight.open(),
  });
  return (
    <Spotlight.Root
      query={query}
      onQueryChange={setQuery}
      // Its own listener does not know of dialogs, and would open over them.
      shortcut={null}
      clearQueryOnClose
      scrollable
      maxHeight={420}
      transitionProps={{ duration: 80 }}
      overlayProps={{ blur: 0, backgroundOpacity: 0.35 }}
      classNames={{ content: palette.content ?? "", actionsGroup: palette.group ?? "" }}
    >
      <Spotlight.Search
        aria-label="Find a page, an action or an extension"
        placeholder="A page, an action or an extension"
        leftSection={<IconSearch size={16} aria-hidden />}
      />
      <Spotlight.ActionsList>
        <Entries query={query} onShowKeys={onShowKeys} />
      </Spotlight.ActionsList>
    </Spotlight.Root>
  );
}

/** Looked for only while the palette is open. */
function Entries({ query, onShowKeys }: { query: string; onShowKeys: () => void }) {
  const navigate = useNavigate();
  const { data: rows } = useExtensions();
  const actions = useExtensionActions();
  const { setColorScheme } = useMantineColorScheme();
  const { allowed } = actions;

  const words = useMemo(() => query.toLowerCase().split(/\s+/).filter(Boolean), [query]);
  const found = useMemo(() => findExtensions(rows ?? [], words), [rows, words]);
  const has = ({ label }: SpotlightActionData) => words.every((word) => label?.toLowerCase().includes(word));

  const pages = [
    entry("Extensions", IconPuzzle, "g e", () => void navigate({ to: "/extensions" })),
    entry("Audit", IconHistory, "g a", () => void navigate({ to: "/audit" })),
    entry("Registry as of another time", IconCalendarTime, "g t", () => void navigate({ to: "/as-of" })),
    entry("Health", IconActivity, "g h", () => void navigate({ to: "/health" })),
    entry("Routers", IconRouter, "g r", () => void navigate({ to: "/routers" })),
    entry("Settings", IconSettings, "g s", () => void navigate({ to: "/settings" })),
  ];
  const general = [
    guarded(allowed.editing, entry("New extension", IconPlus, "n", actions.createNew)),
    guarded(allowed.editing, entry("Import a file of extensions", IconFileImport, "g i", actions.openImport)),
    entry("Undo the last change", IconArrowBackUp, "z", undoLast),
    entry("Light colours", IconSun, null, () => setColorScheme("light")),
    entry("Dark colours", IconMoon, null, () => setColorScheme("dark")),
    entry("Colours of the desktop", IconDeviceDesktop, null, () => setColorScheme("auto")),
    entry("Show all keys", IconKeyboard, "?", onShowKeys),
  ];
  const open = found.slice(0, shownExtensions).map((row) => ({
    ...entry(row.id, IconPuzzle, null, () => actions.open(row.id)),
    id: `open ${row.id}`,
    description: `${row.type} · ${row.enabled ? "on" : "off"} · ${isolated(row.subject)}`,
  }));
  const ofEach = (row: ExtensionRow) => [
    guarded(
      allowed.editing,
      entry(`Edit ${isolated(row.id)}`, IconPencil, null, () => actions.edit(row.id)),
    ),
    guarded(
      allowed.editing,
      entry(`Duplicate ${isolated(row.id)}`, IconPlus, null, () => actions.duplicate(row.id)),
    ),
    guarded(
      allowed.switching,
      entry(`Switch ${row.enabled ? "off" : "on"} ${isolated(row.id)}`, IconToggleRight, null, () =>
        actions.setEnabled(row.id, !row.enabled),
      ),
    ),
    entry(`History of ${isolated(row.id)}`, IconHistory, null, () => actions.openHistory(row.id)),
  ];
  const offersActions = words.length > 0 && found.length < withActionsBelow;
  const groups = [
    { name: "Pages", entries: pages.filter(has) },
    { name: "Actions", entries: general.filter(has) },
    { name: "Extensions", entries: [...open, ...(offersActions ? found.flatMap(ofEach) : [])] },
  ].filter(({ entries }) => entries.length > 0);

  if (groups.length === 0) return <Spotlight.Empty>Nothing has that name</Spotlight.Empty>;
  return groups.map(({ name, entries }) => (
    <Spotlight.ActionsGroup key={name} label={name}>
      {entries.map((each) => (
        <Spotlight.Action key={each.id} {...each} />
      ))}
    </Spotlight.ActionsGroup>
  ));
}

/** Who types a name means the id before anything that only mentions it. */
function findExtensions(rows: readonly ExtensionRow[], words: readonly string[]): ExtensionRow[] {
  const searched = words.filter((word) => !actionWords.has(word));
  const named: ExtensionRow[] = [];
  const others: ExtensionRow[] = [];
  for (const row of rows) {
    const id = row.id.toLowerCase();
    if (searched.every((word) => id.includes(word))) named.push(row);
    else if (searched.every((word) => `${id} ${row.type} ${row.subject.toLowerCase()}`.includes(word)))
      others.push(row);
  }
  return [...named, ...others];
}

function entry(
  label: string,
  Icon: TablerIcon,
  keys: string | null,
  onClick: () => void,
): SpotlightActionData {
  return {
    id: label,
    label,
    onClick,
    leftSection: <Icon size={16} stroke={1.7} aria-hidden />,
    ...(keys !== null && { rightSection: <Kbd size="xs">{keys}</Kbd> }),
  };
}

/** The same, in sight and off with the reason where the login may not do it. */
function guarded(forbidden: string | null, action: SpotlightActionData): SpotlightActionData {
  if (forbidden === null) return action;
  const { onClick: _unused, ...rest } = action;
  return {
    ...rest,
    description: forbidden,
    closeSpotlightOnTrigger: false,
    "aria-disabled": true,
    className: palette.forbidden,
  } as SpotlightActionData;
}

/** The way to the palette for those who don't know its key. */
export function SearchButton() {
  return (
    <UnstyledButton
      className={classes.search}
      aria-label="Find anything"
      aria-keyshortcuts="Control+K"
      onClick={spotlight.open}
    >
      <IconSearch size={14} aria-hidden />
      Find anything
      <Kbd size="xs">Ctrl K</Kbd>
    </UnstyledButton>
  );
}
