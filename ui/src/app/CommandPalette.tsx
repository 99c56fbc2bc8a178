import { MantineThemeProvider } from "@mantine/core";
import { Spotlight, type SpotlightActionData } from "@mantine/spotlight";
import { useMemo, useState } from "react";
import { type ExtensionRow, useExtensions } from "../api/extensions";
import { useExtensionActions } from "../features/extensions/extensionActions";
import { useBulkChanges } from "../features/extensions/useBulkChanges";
import { copyText } from "../ui/clipboard";
import {
  IconActivity,
  IconArrowsMaximize,
  IconBraces,
  IconCopy,
  IconHistory,
  IconLink,
  IconPencil,
  IconPlus,
  IconPuzzle,
  IconSearch,
  IconSend,
  IconToggleRight,
  IconTrash,
} from "../ui/icons";
import { isolated } from "../ui/isolated";
import { linkToExtension } from "../ui/link";
import { notifyDone } from "../ui/notify";
import palette from "./CommandPalette.module.css";
import { entry, guarded } from "./paletteEntries";
import { useGeneralActions } from "./useGeneralActions";

/** As many extensions as are shown at once; more words find the others. */
const shownExtensions = 40;
/** Below this number of matches each extension offers its actions too. */
const withActionsBelow = 4;
/** Words that name what to do with an extension and are none of its name. */
const actionWords = new Set(
  "open edit duplicate switch on off send test message health history of copy id as json link to a page delete".split(
    " ",
  ),
);

/** The palette's dialog takes no name of its own. */
const named = {
  components: {
    Modal: { defaultProps: { attributes: { content: { "aria-label": "Find anything" } } } },
  },
};

/** Every page, every action and every extension, by a few letters of its name. */
export function CommandPalette({ onShowKeys }: { onShowKeys: () => void }) {
  const [query, setQuery] = useState("");
  return (
    <MantineThemeProvider inherit theme={named}>
      <Spotlight.Root
        query={query}
        onQueryChange={setQuery}
        // The shell has the key: this listener does not know of dialogs, and would open over them.
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
    </MantineThemeProvider>
  );
}

/** Looked for only while the palette is open. */
function Entries({ query, onShowKeys }: { query: string; onShowKeys: () => void }) {
  const { data: rows } = useExtensions();
  const actions = useExtensionActions();
  const general = useGeneralActions(actions, onShowKeys);
  const { remove } = useBulkChanges(nothingMore);
  const { allowed } = actions;

  const words = useMemo(() => query.toLowerCase().split(/\s+/).filter(Boolean), [query]);
  const found = useMemo(() => findExtensions(rows ?? [], words), [rows, words]);
  const has = ({ label }: SpotlightActionData) => words.every((word) => label?.toLowerCase().includes(word));

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
    entry(`Send a test message to ${isolated(row.id)}`, IconSend, null, () => actions.openTest(row.id)),
    entry(`Health of ${isolated(row.id)}`, IconActivity, null, () => actions.openHealth(row.id)),
    entry(`History of ${isolated(row.id)}`, IconHistory, null, () => actions.openHistory(row.id)),
    entry(`Open ${isolated(row.id)} as a page`, IconArrowsMaximize, null, () => actions.openPage(row.id)),
    entry(`Copy id of ${isolated(row.id)}`, IconCopy, null, () => copied(row.id, "id", row.id)),
    entry(`Copy ${isolated(row.id)} as JSON`, IconBraces, null, () => actions.copyJson(row.id)),
    entry(`Copy link to ${isolated(row.id)}`, IconLink, null, () =>
      copied(row.id, "link", linkToExtension(row.id)),
    ),
    guarded(
      allowed.editing,
      entry(`Delete ${isolated(row.id)}…`, IconTrash, null, () => remove([row])),
    ),
  ];
  const offersActions = words.length > 0 && found.length < withActionsBelow;
  const ofFound = offersActions ? found.flatMap(ofEach).filter(has) : [];
  // Who names what to do means that, and not the extension alone.
  const namesAction = words.some((word) => actionWords.has(word));
  const groups = [
    { name: "Pages", entries: general.pages.filter(has) },
    { name: "Actions", entries: general.actions.filter(has) },
    // As much as there is of it, it is offered to those who look for it.
    { name: "Filters", entries: words.length > 0 ? general.filters.filter(has) : [] },
    { name: "Extensions", entries: namesAction ? [...ofFound, ...open] : [...open, ...ofFound] },
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

/** The question asks, the notice offers the way back, and the page shows that it is gone. */
function nothingMore() {}

function copied(id: string, what: "id" | "link", text: string) {
  void copyText(text).then(() => notifyDone(`Copied the ${what} of ${isolated(id)}`));
}

/** Who types a name means the id before anything that only mentions it. */
function findExtensions(rows: readonly ExtensionRow[], words: readonly string[]): ExtensionRow[] {
  const others = words.filter((word) => !actionWords.has(word));
  // An extension may have such a name, too.
  const searched = others.length > 0 ? others : words;
  const named: ExtensionRow[] = [];
  const mentioned: ExtensionRow[] = [];
  for (const row of rows) {
    const id = row.id.toLowerCase();
    if (searched.every((word) => id.includes(word))) named.push(row);
    else if (searched.every((word) => `${id} ${row.type} ${row.subject.toLowerCase()}`.includes(word)))
      mentioned.push(row);
  }
  return [...named, ...mentioned];
}
