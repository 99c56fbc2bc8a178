import { registryKey } from "../../ui/registryStorage";
import { defaultOrder, orderText, parseOrder } from "./extensionOrder";

const tabs = ["overview", "configuration", "health", "test", "history"] as const;
const forms = ["new", "edit", "duplicate"] as const;

export type PanelTab = (typeof tabs)[number];

/** The columns that can be hidden: all but those that say which extension it is and whether it is on. */
export const hideableColumns = ["type", "subject", "timeout_ms", "retry", "health", "last_change"] as const;

export type HideableColumn = (typeof hideableColumns)[number];

/** How the list is looked at. Absent parts are the usual ones. */
export type ListView = {
  /** The search box's text. */
  text?: string | undefined;
  /** The order, such as `-health`. */
  sort?: string | undefined;
  /** The columns that are not shown, with commas between them. */
  hide?: string | undefined;
};

/** What the page shows, as it stands in the address. */
export type ExtensionSearch = ListView & {
  /** The extension whose panel is open. */
  open?: string | undefined;
  tab?: PanelTab | undefined;
  /** The form that lies over the page; edited or duplicated is the extension that is open. */
  form?: (typeof forms)[number] | undefined;
};

const storageKey = "extensions-view";

/** Takes from an address what makes sense; where it names no view of the list, the one that was left last. */
export function readExtensionSearch(search: Record<string, unknown>): ExtensionSearch {
  const namesView = ["text", "sort", "hide"].some((name) => search[name] !== undefined);
  const found: ExtensionSearch = {
    ...readListView(namesView ? search : storedView()),
    open: textOf(search.open) || undefined,
    tab: tabs.find((tab) => tab === search.tab),
    form: forms.find((form) => form === search.form),
  };
  // A name without a value would stand in the address.
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

/** What of one extension's page stands in the address. */
export type PageSearch = Pick<ExtensionSearch, "tab">;

export function readPageSearch(search: Record<string, unknown>): PageSearch {
  const tab = tabs.find((each) => each === search.tab);
  return tab === undefined ? {} : { tab };
}

/** Keeps the view for the next time that an address names none. */
export function storeView(search: ExtensionSearch): void {
  const { open, tab } = search;
  localStorage.setItem(registryKey(storageKey), JSON.stringify({ ...readListView(search), open, tab }));
}

/** The panel that was open when the window was closed: a start goes on with it, and nothing else does. */
export function storedPanel(): Pick<ExtensionSearch, "open" | "tab"> {
  const { open, tab } = storedView();
  return { open: textOf(open) || undefined, tab: tabs.find((each) => each === tab) };
}

/** What makes sense of a view; what is as usual is left out. */
export function readListView(search: Record<string, unknown>): ListView {
  const sort = orderText(parseOrder(textOf(search.sort)));
  const hidden = textOf(search.hide)?.split(",") ?? [];
  return {
    text: textOf(search.text) || undefined,
    sort: sort === orderText(defaultOrder) ? undefined : sort,
    hide: hideableColumns.filter((column) => hidden.includes(column)).join(",") || undefined,
  };
}

/** The columns that are not shown, once this one is shown or not. */
export function withColumn(
  hide: string | undefined,
  column: HideableColumn,
  shown: boolean,
): string | undefined {
  const hidden = hide?.split(",") ?? [];
  const next = hideableColumns.filter((each) => (each === column ? !shown : hidden.includes(each)));
  return next.join(",") || undefined;
}

/** Text of digits alone comes out of the address as a number. */
function textOf(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

function storedView(): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(registryKey(storageKey)) ?? "{}");
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
