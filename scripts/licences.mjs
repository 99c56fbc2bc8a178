// Writes the licences, with their texts, of all that the programs are made of, into the file that is named: the Rust crates
// (cargo-about), Rust's standard library, the packages of the page (Vite), Swagger UI, and the PostgreSQL that is shipped.
// A crate or a package without a text is an error.

import { execFile, execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const at = (...path) => join(root, ...path);
const run = (program, ...args) => execFileSync(program, args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 });
const problems = [];

/** Packages that come without their text, and one of the same authors and licence whose text is theirs. */
const TEXT_OF = new Map([["react-remove-scroll-bar", "react-remove-scroll"]]);

/** Texts, each with the licence's name and with what is under it. */
const texts = new Map();
function add(licence, text, used) {
  const shown = text.replaceAll("\r", "").trim();
  const key = `${licence}\n${shown.replace(/\s+/g, " ")}`;
  const entry = texts.get(key) ?? { licence, shown, used: new Set() };
  entry.used.add(used);
  texts.set(key, entry);
}

async function addCrates() {
  const target = run("rustc", "--print", "host-tuple").trim();
  const about = (manifest) =>
    promisify(execFile)(
      at("target/tools/bin/cargo-about"),
      ["generate", "--offline", "--locked", "--fail", "--format", "json", "--target", target, "--manifest-path", manifest],
      { cwd: root, maxBuffer: 1 << 28 },
    );
  const answers = await Promise.all(["src-tauri/Cargo.toml", "crates/registry-server/Cargo.toml"].map(about));
  for (const { stdout } of answers) {
    const { licenses, crates } = JSON.parse(stdout);
    const withText = new Set();
    for (const { name, text, used_by } of licenses) {
      for (const { crate } of used_by) {
        // A licence that a crate names without bringing it is there as everybody has it.
        add(name, text, `${crate.name} ${crate.version}`);
        withText.add(crate.id);
      }
    }
    for (const { package: crate } of crates) {
      if (crate.source && !withText.has(crate.id)) problems.push(`the crate ${crate.name} ${crate.version} has no text`);
    }
  }
}

function addStandardLibrary() {
  const page = readFileSync(join(run("rustc", "--print", "sysroot").trim(), "share/doc/rust/COPYRIGHT-library.html"), "utf8");
  const entities = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&" };
  const text = page
    .replace(/<head>.*?<\/head>/s, "")
    .replace(/<[^>]+>/g, "")
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replace(/&(lt|gt|quot|amp);/g, (entity) => entities[entity])
    .replace(/\n\s*\n\s*\n+/g, "\n\n");
  add("Apache-2.0 OR MIT, and others", text, `Rust's standard library, ${run("rustc", "--version").trim()}`);
}

/** Vite tells the licences of the scripts; style sheets and fonts are told by the folders that they come from. */
async function addPage() {
  const { build } = await import(at("ui/node_modules/vite/dist/node/index.js"));
  const files = new Set();
  const sources = {
    name: "sources",
    generateBundle(_, bundle) {
      for (const id of this.getModuleIds()) if (/\.css(\?|$)/.test(id)) files.add(id);
      for (const asset of Object.values(bundle)) for (const name of asset.originalFileNames ?? []) files.add(at("ui", name));
    },
  };
  const { output } = await build({
    root: at("ui"),
    logLevel: "error",
    plugins: [sources],
    build: { write: false, license: { fileName: "licences.json" } },
  });
  const told = JSON.parse(output.find(({ fileName }) => fileName === "licences.json").source);
  const known = new Set(told.map(({ name }) => name));
  for (const file of files) {
    const [, folder, name] = /^(.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+))[\\/]/.exec(file) ?? [];
    if (name === undefined || known.has(name)) continue;
    known.add(name);
    const { version, license: identifier } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const licence = readdirSync(folder).find((each) => /^(licen[cs]e|copying)/i.test(each));
    told.push({ name: name.replaceAll(sep, "/"), version, identifier, text: licence && readFileSync(join(folder, licence), "utf8") });
  }
  for (const { name, version, identifier, text: own } of told) {
    const text = own ?? told.find((each) => each.name === TEXT_OF.get(name) && each.identifier === identifier)?.text;
    if (text) add(identifier, text, `${name} ${version}`);
    else problems.push(`the package ${name} ${version} (${identifier}) has no text`);
  }
}

/** registryctl's page of the HTTP server has it in the crate that brings it, as an archive whose name has the version. */
function addSwagger() {
  const { packages } = JSON.parse(run("cargo", "metadata", "--quiet", "--format-version", "1", "--locked"));
  const { manifest_path } = packages.find(({ name }) => name === "utoipa-swagger-ui-vendored");
  const archive = readdirSync(join(dirname(manifest_path), "res")).find((name) => name.endsWith(".zip"));
  const version = archive.replace(/^v|\.zip$/g, "");
  add("Apache-2.0, and others", readFileSync(at(`packaging/licences/swagger-ui-${version}.txt`), "utf8"), `Swagger UI ${version}`);
}

function postgresql() {
  // As Debian's form of it has them, without the paragraph of the whole.
  return readFileSync(at("packaging/copyright"), "utf8").replace(/^.*?(?=^Files: usr\/lib\/)/ms, "");
}

await addCrates();
addStandardLibrary();
await addPage();
addSwagger();
if (problems.length > 0) {
  for (const problem of problems) console.error(`error: ${problem}`);
  process.exit(1);
}

const line = "=".repeat(100);
const parts = [...texts.values()]
  .sort((one, other) => other.used.size - one.used.size)
  .map(({ licence, shown, used }) => `${line}\n${licence}\n\nof ${[...used].sort().join(", ")}\n\n${shown}\n`);
writeFileSync(
  process.argv[2],
  `What the programs of Beamline Registry are made of, and under which licences. Beamline Registry itself is under the Apache
License 2.0. Before each text are its name and all that is under it: Rust crates and JavaScript packages with their versions, and what
else is in the programs. The last parts are of the PostgreSQL that comes with them.

${parts.join("\n")}
${line}
PostgreSQL, and the libraries beside it: ICU, OpenSSL, libxml2, zlib, liblzma

${postgresql()}
${line}
ICU 60, whose copyright and licences of others in it are

${readFileSync(at("packaging/licences/icu-60.txt"), "utf8")}`,
);
console.log(`${process.argv[2]}: ${texts.size} texts`);
