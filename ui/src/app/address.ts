import { readAsOfSearch } from "../features/audit/asOfSearch";
import { readAuditSearch } from "../features/audit/auditSearch";
import { readExtensionSearch, readPageSearch, storedPanel } from "../features/extensions/extensionSearch";
import { readExtensionHealthSearch, readHealthSearch } from "../features/health/healthSearch";
import { registryKey } from "../ui/registryStorage";

type Search = Record<string, unknown>;

/** The pages that a start or a link can open, each with what it takes from an address. */
const pages = {
  "/extensions": readExtensionSearch,
  "/extensions/$id": readPageSearch,
  "/audit": readAuditSearch,
  "/as-of": readAsOfSearch,
  "/health": readHealthSearch,
  "/health/$id": readExtensionHealthSearch,
  "/routers": () => ({}),
  "/import": () => ({}),
  "/backups": () => ({}),
  "/connections": () => ({}),
  "/settings": () => ({}),
} satisfies Record<string, (search: Search) => object>;

/** Where in the window somebody is, as the router takes it. */
export type Address = { to: keyof typeof pages; params: { id?: string }; search: object };

/** What makes sense of an address that came from elsewhere; null if there is no such page. */
function readAddress(to: unknown, id: unknown, search: unknown): Address | null {
  if (typeof to !== "string" || !Object.hasOwn(pages, to)) return null;
  const page = to as keyof typeof pages;
  const isOfOne = page.endsWith("/$id");
  if (isOfOne && (typeof id !== "string" || id === "")) return null;
  return {
    to: page,
    params: isOfOne ? { id: id as string } : {},
    search: pages[page](isRecord(search) ? search : {}),
  };
}

/** The page that a link's path and search name. */
export function addressOf(path: string, parseSearch: (text: string) => unknown): Address | null {
  try {
    const { host, pathname, search } = new URL(path, "http://localhost");
    if (host !== "localhost") return null;
    const [, of, id] = /^(\/extensions|\/health)\/([^/]+)$/.exec(pathname) ?? [];
    return readAddress(of ? `${of}/$id` : pathname, id && decodeURIComponent(id), parseSearch(search));
  } catch {
    // It is no address at all.
    return null;
  }
}

const storageKey = "last-address";

/** Keeps where somebody is for the next start. */
export function storeAddress(to: string, id: string | undefined, search: unknown): void {
  const address = readAddress(to, id, search);
  // The way to another registry is no place in this one.
  if (address && address.to !== "/connections")
    localStorage.setItem(registryKey(storageKey), JSON.stringify(address));
}

/** Where the window was when it was closed. No form opens by itself: its draft is offered where one opens it. */
export function storedAddress(): Address {
  const first: Address = { to: "/extensions", params: {}, search: storedPanel() };
  try {
    const value: unknown = JSON.parse(localStorage.getItem(registryKey(storageKey)) ?? "null");
    if (!isRecord(value)) return first;
    const { to, params, search } = value;
    const stored = readAddress(to, isRecord(params) ? params.id : null, search);
    // The list keeps its view by itself.
    return stored === null || stored.to === first.to ? first : stored;
  } catch {
    return first;
  }
}

function isRecord(value: unknown): value is Search {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
