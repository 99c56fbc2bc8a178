import { defaultOrder, orderText, parseOrder } from "./extensionOrder";

const tabs = ["overview", "configuration", "history"] as const;
const forms = ["new", "edit", "duplicate"] as const;

export type PanelTab = (typeof tabs)[number];

/** What the page shows, as it stands in the address. Absent parts are the usual ones. */
export type ExtensionSearch = {
  /** The search box's text. */
  text?: string | undefined;
  /** The order, such as `-health`. */
  sort?: string | undefined;
  /** The extension whose panel is open. */
  open?: string | undefined;
  tab?: PanelTab | undefined;
  /** The form that lies over the page; edited or duplicated is the extension that is open. */
  form?: (typeof forms)[number] | undefined;
};

const storageKey = "extensions-view";

/** Takes from an address what makes sense; where it names no view of the list, the one that was left last. */
export function readExtensionSearch(search: Record<string, unknown>): ExtensionSearch {
  const namesView = search.text !== undefined || search.sort !== undefined;
  const found: ExtensionSearch = {
    ...viewOf(namesView ? search : storedView()),
    open: textOf(search.open) || undefined,
    tab: tabs.find((tab) => tab === search.tab),
    form: forms.find((form) => form === search.form),
  };
  // A name without a value would stand in the address.
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

/** Keeps the view for the next time that an address names none. */
export function storeView(search: ExtensionSearch): void {
  localStorage.setItem(storageKey, JSON.stringify(viewOf(search)));
}

function viewOf(search: Record<string, unknown>): Pick<ExtensionSearch, "text" | "sort"> {
  const sort = orderText(parseOrder(textOf(search.sort)));
  return {
    text: textOf(search.text) || undefined,
    sort: sort === orderText(defaultOrder) ? undefined : sort,
  };
}

/** Text of digits alone comes out of the address as a number. */
function textOf(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

function storedView(): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(storageKey) ?? "{}");
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
