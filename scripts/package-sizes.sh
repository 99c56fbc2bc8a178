#!/usr/bin/env bash
# Writes into docs/packages.md how large the packages are that `make package` has built, and what takes it.
set -euo pipefail
cd "$(dirname "$0")/.."

document=docs/packages.md
data=$(find target/shipped/bundle/deb -mindepth 2 -maxdepth 2 -name data)
deb=$(find target/shipped/bundle/deb -maxdepth 1 -name '*.deb')
rpm=$(find target/shipped/bundle/rpm -maxdepth 1 -name '*.rpm')
[[ -d $data && -f $deb && -f $rpm ]] || {
    echo "error: there is no .deb and .rpm of one version: run \`make package\`" >&2
    exit 1
}

# In MB of a million bytes, of files and not of what a disk rounds them up to.
megabytes() { find "$@" -type f -printf '%s\n' | awk '{ sum += $1 } END { printf "%.1f MB", sum / 1e6 }'; }
# What of the folder takes after compression, by itself, as a .deb compresses.
compressed() { tar --create --directory "$data" "$@" | gzip -6 | wc -c | awk '{ printf "%.1f MB", $1 / 1e6 }'; }
postgresql=usr/lib/beamline-registry/postgresql
row() {
    local name=$1
    shift
    (cd "$data" && printf '| %s | %s | ' "$name" "$(megabytes "$@")")
    printf '%s |\n' "$(compressed "$@")"
}

{
    awk '{ print } /^## Size$/ { exit }' "$document"
    printf '\n`make package-sizes` on %s, %s, %s.\n\n' "$(date +%F)" "$(. /etc/os-release && echo "$PRETTY_NAME")" "$(uname -m)"
    printf '| | installed | compressed, by itself |\n|---|---|---|\n'
    row '`beamline-registry` (the page in it, with its fonts, is '"$(megabytes ui/dist)"' before compression)' usr/bin/beamline-registry
    row '`registryctl`' usr/bin/registryctl
    row 'PostgreSQL: data of ICU, which its server is linked with' $postgresql/lib/libicudata.so.60
    (cd "$data" && find $postgresql -type f ! -name 'libicudata*') >target/package-sizes.list
    mapfile -t rest <target/package-sizes.list
    row 'PostgreSQL: server, libraries, time zones' "${rest[@]}"
    row 'manual, completions, icons, the rest' usr/share
    printf '| **all** | **%s** | **.deb %s, .rpm %s** |\n\n' "$(megabytes "$data")" "$(megabytes "$deb")" "$(megabytes "$rpm")"
    awk '/^## How they are built$/ { found = 1 } found' "$document"
} >"$document.new"
mv "$document.new" "$document"
