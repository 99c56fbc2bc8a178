#!/usr/bin/env bash
# Measures, in release builds: what the core promises of its writes, and how long the console takes to
# show its table on an existing database, on a virtual display, phase by phase from the process's start.
#
#   scripts/bench.sh [RUNS]
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${1:-10}
scripts/prerequisites.sh test
node postgresql/fetch.mjs
scripts/build-ui.sh
cargo build --release --locked --package beamline-registry
cargo bench --locked --package system-tests --bench core

work=$(mktemp --directory)
chmod 755 "$work"
console=''
# shellcheck source=scripts/virtual-display.sh
source scripts/virtual-display.sh
# Ends the console, and waits for its server, which ends after it.
end_console() {
    if [[ -n $console ]]; then
        kill "$console" 2>/dev/null || true
        wait "$console" 2>/dev/null || true
        console=''
        while [[ -e $work/data/postgresql/cluster/data/postmaster.pid ]]; do sleep 0.05; done
    fi
}
finish() {
    end_console
    stop_virtual_display
    rm -rf "$work"
}
trap finish EXIT
start_virtual_display

export BEAMLINE_REGISTRY_DATA_DIR=$work/data NO_AT_BRIDGE=1
export XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config XDG_CACHE_HOME=$work/cache
# Run 0 makes the database and is not counted.
for ((run = 0; run <= runs; run++)); do
    : >"$work/log"
    target/release/beamline-registry 2>"$work/log" &
    console=$!
    for ((attempt = 0; attempt < 300; attempt++)); do
        if grep --quiet 'extensions table shown' "$work/log"; then break; fi
        sleep 0.1
    done
    end_console
    if ((run > 0)); then
        sed -nE 's/.*start phase: (.*) elapsed_ms=([0-9]+)/\1\t\2/p' "$work/log" >>"$work/phases"
    fi
done

printf '\nStart on an existing database, %d runs, ms after process start\n\n' "$runs"
printf '%-28s %8s %8s %8s\n' phase minimum median maximum
awk -F '\t' '
    { if (!($1 in count)) order[++phases] = $1; times[$1, ++count[$1]] = $2 }
    END {
        for (p = 1; p <= phases; p++) {
            name = order[p]; n = count[name]
            for (i = 1; i <= n; i++) sorted[i] = times[name, i] + 0
            for (i = 2; i <= n; i++) { v = sorted[i]; for (j = i - 1; j > 0 && sorted[j] > v; j--) sorted[j + 1] = sorted[j]; sorted[j + 1] = v }
            median = n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
            printf "%-28s %8d %8d %8d\n", name, sorted[1], median, sorted[n]
        }
    }' "$work/phases"
