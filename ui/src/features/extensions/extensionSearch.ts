import type { ExtensionType } from "../../bindings";

export const types: readonly ExtensionType[] = ["pre", "validator", "post", "provider"];
const states = ["on", "off", "failing"] as const;
const tabs = ["overview", "configuration", "history"] as const;

export type StateFilter = (typeof states)[number];
export type PanelTab = (typeof tabs)[number];

/** What the page shows, as it stands in the address. */
export type ExtensionSearch = {
  text?: string | undefined;
  state?: StateFilter | undefined;
  type?: ExtensionType | undefined;
  /** The extension whose panel is open. */
  open?: string | undefined;
  tab?: PanelTab | undefined;
};

/** Takes from an address what makes sense and leaves the rest. */
export function readExtensionSearch(search: Record<string, unknown>): ExtensionSearch {
  const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : undefined);
  const found: ExtensionSearch = {
    text: text(search.text),
    state: states.find((state) => state === search.state),
    type: types.find((type) => type === search.type),
    open: text(search.open),
    tab: tabs.find((tab) => tab === search.tab),
  };
  // A name without a value would stand in the address.
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}
