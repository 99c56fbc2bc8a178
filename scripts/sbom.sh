#!/usr/bin/env bash
# Writes what the product is made of, in CycloneDX's form, into target/sbom: one file for each program that is handed out, one
# for the page in the window, one for the PostgreSQL that is shipped.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ ! -x target/tools/bin/cargo-cyclonedx ]]; then
    echo "Building cargo-cyclonedx"
    cargo install cargo-cyclonedx --version 0.5.9 --locked --root target/tools
fi
sbom=target/sbom
rm -rf "$sbom"
mkdir -p "$sbom"

# It writes beside each Cargo.toml of the workspace, and is taken from there.
target/tools/bin/cargo-cyclonedx cyclonedx --format json --spec-version 1.5 --no-build-deps --override-filename sbom --quiet
mv src-tauri/sbom.json "$sbom/beamline-registry.cdx.json"
mv crates/registry-server/sbom.json "$sbom/registryctl.cdx.json"
git ls-files --others --exclude-standard -- '*/sbom.json' sbom.json | xargs --no-run-if-empty rm

for folder in ui postgresql; do
    npm --prefix "$folder" sbom --package-lock-only --omit dev --sbom-format cyclonedx >"$sbom/$folder.cdx.json"
done
for file in "$sbom"/*; do
    node --eval 'const { components } = JSON.parse(require("fs").readFileSync(process.argv[1]));
        if (!components?.length) process.exit(1);
        console.log(`${process.argv[1]}: ${components.length} components`);' "$file"
done
