#!/usr/bin/env bash
# Measures, in release builds: what the core promises of its writes, the cache alone and under load, and how
# long the console takes to show its table on an existing database, on a virtual display, phase by phase from the
# process's start. Prints one table of all figures and writes it to docs/benchmarks.md with the machine's name.
#
#   scripts/bench.sh [RUNS]
#
# RUNS (10) is how often the console is started. BENCH_SECONDS (60) shortens each timed part of the core's and the
# cache's measurements (the database is away for five times as long), BENCH_ROWS (1000000) the large registry,
# BENCH_SUBSCRIBERS (200) the crowd.
set -euo pipefail
cd "$(dirname "$0")/.."

runs=${1:-10}
target=${CARGO_TARGET_DIR:-target}
scripts/prerequisites.sh test
node postgresql/fetch.mjs
scripts/build-ui.sh
cargo build --release --locked --package beamline-registry

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

# Rows of the table from criterion's output, with what each is held to.
lookup_rows() {
    awk -F ': +' '
        BEGIN {
            promises["10000"] = "30 ns"; promises["100000"] = "80 ns"; promises["1000000"] = "250 ns"
        }
        / rows: [0-9]+$/ { name = $0; rows = $NF }
        /^memory at / { printf "| %s | %s | |\n", $1, $2 }
        /^ +time: / {
            gsub(/[][]/, "", $2)
            split($2, figures, " ")
            promise = ""
            if (name ~ /^(reader.s )?lookup by id, /) promise = promises[rows]
            if (name ~ /^lookup by type/) promise = "1 µs"
            if (name ~ /^apply one change/) promise = "1 ms"
            printf "| %s | %s %s | %s |\n", name, figures[3], figures[4], promise
        }'
}

# Starts the console RUNS times; prints each phase's duration.
start_rows() {
    local attempt run
    start_virtual_display
    export BEAMLINE_REGISTRY_DATA_DIR=$work/data NO_AT_BRIDGE=1
    export XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config XDG_CACHE_HOME=$work/cache
    # Run 0 makes the database and is not counted.
    for ((run = 0; run <= runs; run++)); do
        : >"$work/log"
        "$target/release/beamline-registry" 2>"$work/log" &
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
    # In the order in which they come; within a phase by duration.
    awk -F '\t' '!($1 in place) { place[$1] = ++count } { printf "%d\t%s\n", place[$1], $0 }' "$work/phases" |
        sort --field-separator=$'\t' --key=1,1n --key=3,3n |
        awk -F '\t' '
            function row() {
                if (n) printf "| start: %s | median %d ms, fastest %d ms, slowest %d ms | %s |\n", name,
                    times[int((n + 1) / 2)], times[1], times[n], name ~ /table shown/ ? "2 s" : ""
            }
            $2 != name { row(); name = $2; n = 0 }
            { times[++n] = $3 }
            END { row() }'
}

# The machine and what was measured, as Markdown.
machine() {
    local memory
    memory=$(awk '/^MemTotal/ { printf "%.0f", $2 / 1024 / 1024 }' /proc/meminfo)
    printf -- '- %s, %s processors (%s)\n' \
        "$(awk -F ': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)" "$(nproc)" \
        "$(systemd-detect-virt 2>/dev/null | sed 's/^none$/no virtual machine/' || true)"
    printf -- '- %s GiB of memory, Linux %s, load when it began: %s\n' "$memory" "$(uname -r)" "$load"
    printf -- '- %s, as shipped; %s\n' \
        "$(target/postgresql/bin/postgres --version)" "$(rustc --version)"
    printf -- '- %s, revision %s\n' "$(date --utc +%F)" "$(git describe --always --dirty 2>/dev/null || echo unknown)"
}

section() {
    printf '\n## %s\n\n| what | measured | held to |\n|---|---|---|\n' "$1"
    cat "$work/$2"
}

load=$(cut --delimiter=' ' --fields=1-3 /proc/loadavg)
echo 'measuring lookups …'
cargo bench --locked --package registry --bench lookup | tee "$work/criterion"
lookup_rows <"$work/criterion" >"$work/lookup"
echo 'measuring the cache under load …'
cargo bench --locked --package system-tests --bench cache | tee /dev/stderr | grep '^|' >"$work/cache-rows"
echo "measuring the core's writes …"
cargo bench --locked --package system-tests --bench core | tee /dev/stderr | grep '^|' >"$work/core"
echo "measuring the console's start …"
start_rows >"$work/start"

{
    cat <<END
# Benchmarks

Written by \`make bench\`: release builds, one run on one machine. Lookups are medians of criterion's samples.
An empty last column: a figure that nothing is promised of.

$(machine)

Timed parts took ${BENCH_SECONDS:-60} s each (60 is the full length), the large registry had
${BENCH_ROWS:-1000000} rows (1000000), the crowd ${BENCH_SUBSCRIBERS:-200} subscribers (200), the console was started $runs times (10).
END
    section 'Lookups in the cache, one thread or two' lookup
    section 'The cache on a database' cache-rows
    section "The core's writes" core
    section "The console's start on an existing database, since the process began" start
} >"$work/benchmarks.md"
cp "$work/benchmarks.md" docs/benchmarks.md
printf '\n'
grep '^[|#-]' docs/benchmarks.md
