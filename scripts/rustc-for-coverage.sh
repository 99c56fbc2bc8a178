#!/usr/bin/env bash
# What scripts/coverage.sh has cargo run in place of rustc: only what is of this repository gets counters. Its several hundred
# dependencies would make each program slower, and its profile, of which each process writes one, many times as large.
set -euo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
arguments=()
for argument in "$@"; do
    if [[ $argument != -Cinstrument-coverage || ${CARGO_MANIFEST_DIR:-} == "$repository"/* ]]; then arguments+=("$argument"); fi
done
exec "${arguments[@]}"
