import type { HelpDocument } from "../../../documents/markdown";

export type { HelpDocument };

/** A document of the Help: how its address and the list call it, and how it comes. */
export type HelpEntry = { name: string; label: string; load: () => Promise<{ default: HelpDocument }> };

/** Every document, in the order of the list. They are the files of the repository, rendered while the page is built. */
export const contents: readonly { title: string; entries: readonly HelpEntry[] }[] = [
  {
    title: "The console",
    entries: [
      { name: "readme", label: "What it does", load: () => import("../../../../README.md?document") },
      {
        name: "files",
        label: "Files of extensions",
        load: () => import("../../../../docs/files.md?document"),
      },
      {
        name: "backup",
        label: "Backups and moves",
        load: () => import("../../../../docs/backup.md?document"),
      },
    ],
  },
  {
    title: "Servers and scripts",
    entries: [
      { name: "packages", label: "Packages", load: () => import("../../../../docs/packages.md?document") },
      {
        name: "operations",
        label: "Operations",
        load: () => import("../../../../docs/operations.md?document"),
      },
      {
        name: "command-line",
        label: "Command line",
        load: () => import("../../../../docs/command-line.md?document"),
      },
      { name: "api", label: "HTTP API", load: () => import("../../../../docs/api.md?document") },
      {
        name: "library",
        label: "Library for routers",
        load: () => import("../../../../docs/library.md?document"),
      },
      { name: "scaling", label: "Many routers", load: () => import("../../../../docs/scaling.md?document") },
    ],
  },
  {
    title: "How it works",
    entries: [
      { name: "schema", label: "Schema", load: () => import("../../../../docs/schema.md?document") },
      { name: "security", label: "Security", load: () => import("../../../../docs/security.md?document") },
      {
        name: "benchmarks",
        label: "Benchmarks",
        load: () => import("../../../../docs/benchmarks.md?document"),
      },
      {
        name: "architecture",
        label: "Architecture",
        load: () => import("../../../../ARCHITECTURE.md?document"),
      },
      {
        name: "contributing",
        label: "Contributing",
        load: () => import("../../../../CONTRIBUTING.md?document"),
      },
    ],
  },
  {
    title: "This version",
    entries: [
      { name: "changelog", label: "Changes", load: () => import("../../../../CHANGELOG.md?document") },
      { name: "license", label: "Licence", load: () => import("../../../../LICENSE?document") },
    ],
  },
];

export const helpEntries: readonly HelpEntry[] = contents.flatMap(({ entries }) => entries);

/** Where the Help opens. */
export const firstDocument = "readme";

/** A place in the Help: a document, and a heading in it. */
export type HelpPlace = { document: string; heading: string };

/** The place that an address of a link in the Help names; null if it leads elsewhere. */
export function placeOf(address: string): HelpPlace | null {
  const [, document, heading = ""] = /^\/help\/([\w-]+)(?:#(.+))?$/.exec(address) ?? [];
  return document === undefined ? null : { document, heading: decodeURIComponent(heading) };
}
