#!/usr/bin/env bash
# Makes what packages hold beside the programs: the manual and completions, as registryctl tells them of itself, and the
# licences of all that the programs are made of. The bundler runs it when the programs are built.
set -euo pipefail
cd "$(dirname "$0")/.."

registryctl=target/shipped/registryctl
files=target/package-files
rm -rf "$files"
mkdir -p "$files/completions"
"$registryctl" manual --output "$files/man1"
# Without the time, so that the same pages are the same bytes.
gzip --best --no-name "$files"/man1/*
"$registryctl" completions bash >"$files/completions/registryctl"
"$registryctl" completions zsh >"$files/completions/_registryctl"
"$registryctl" completions fish >"$files/completions/registryctl.fish"

if [[ ! -x target/tools/bin/cargo-about ]]; then
    echo "Building cargo-about"
    cargo install cargo-about --version 0.9.3 --features cli --locked --root target/tools
fi
node scripts/licences.mjs "$files/third-party-licences.txt"
gzip --best --no-name "$files/third-party-licences.txt"
