#!/usr/bin/env bash
# Makes what packages hold beside the programs, as registryctl tells it of itself: the manual and completions. The bundler
# runs it when the programs are built.
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
