import { describe, expect, it } from "vitest";
import all from "../../node_modules/@mantine/core/styles.css?raw";
import css from "./mantine.css?raw";

/** Mantine's modules and ours by their paths from the root of the frontend. */
const modules: Record<string, string> = {
  ...import.meta.glob<string>("/node_modules/@mantine/*/esm/**/*.mjs", {
    query: "?raw",
    import: "default",
    eager: true,
  }),
  ...import.meta.glob<string>(["/src/**/*.{ts,tsx}", "!/src/**/*.test.{ts,tsx}"], {
    query: "?raw",
    import: "default",
    eager: true,
  }),
};
const sheets = import.meta.glob<string>("/node_modules/@mantine/core/styles/*.css", {
  query: "?raw",
  import: "default",
  eager: true,
});
const listed = [...css.matchAll(/@mantine\/core\/styles\/([\w-]+)\.css/g)].map(([, name = ""]) => name);

/** What a module imports by name, and from where. */
function imports(path: string): { names: string[]; from: string }[] {
  const statements = (modules[path] ?? "").matchAll(/import\s*{([^}]*)}\s*from "([^"]+)"/g);
  return [...statements].map(([, names = "", from = ""]) => ({
    names: names.split(",").map((name) => name.trim().split(" as ")[0] ?? ""),
    from,
  }));
}

const resolved = (from: string, path: string) => new URL(from, `file://${path}`).pathname;
const seen = new Set<string>();
/** The style sheets of what the pages use and of all that it is made of. */
const needed = new Set<string>();

function followName(packageName: string, name: string): void {
  const index = `/node_modules/@mantine/${packageName}/esm/index.mjs`;
  const source = imports(index).find(({ names }) => names.includes(name));
  if (source?.from.startsWith(".")) followModule(packageName, resolved(source.from, index));
}

function followModule(packageName: string, path: string): void {
  if (seen.has(path)) return;
  seen.add(path);
  const sheet = /([^/]+)\.module(\.css)?\.mjs$/.exec(path)?.[1];
  if (sheet !== undefined && packageName === "core") needed.add(sheet);
  for (const [, from = ""] of (modules[path] ?? "").matchAll(/from "(\.[^"]+\.mjs)"/g))
    followModule(packageName, resolved(from, path));
  for (const { names, from } of imports(path))
    if (from === "@mantine/core") for (const name of names) followName("core", name);
}

describe("Mantine's styles", () => {
  it("are there for each component that the pages or Mantine's other packages use", () => {
    for (const path of Object.keys(modules).filter((path) => path.startsWith("/src/")))
      for (const { names, from } of imports(path)) {
        const packageName = /^@mantine\/(\w+)$/.exec(from)?.[1];
        if (packageName) for (const name of names) followName(packageName, name);
      }
    expect(needed.size).toBeGreaterThan(20);
    expect([...needed].filter((sheet) => !listed.includes(sheet))).toEqual([]);
    expect(listed.filter((sheet) => /^[A-Z]/.test(sheet) && !needed.has(sheet))).toEqual([]);
  });

  it("come in the order of Mantine's own file", () => {
    const places = listed.map((name) => {
      const sheet = sheets[`/node_modules/@mantine/core/styles/${name}.css`] ?? "";
      return sheet === "" ? -1 : all.indexOf(sheet.trim().slice(0, 60));
    });
    expect(places.length).toBeGreaterThan(20);
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((one, other) => one - other));
  });
});
