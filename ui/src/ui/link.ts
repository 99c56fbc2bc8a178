/** What a link begins with that the application opens; `src-tauri/src/links.rs` knows the same. */
const start = "beamline-registry:/";

/** A link to one extension: another window of the same registry opens it. */
export function linkToExtension(id: string): string {
  return `${start}/extensions/${encodeURIComponent(id)}`;
}

/** The path and the search of a link, as of an address; null if it is no link of this application. */
export function addressOfLink(link: string): string | null {
  const path = link.startsWith(`${start}/`) ? link.slice(start.length) : "";
  return path.length > 1 ? path : null;
}
