#!/usr/bin/env bash
# Measures, in release builds, what docs/benchmarks.md says, and writes it there.
#
#   scripts/bench.sh [SECTION…]
#
# A section is `lookup`, `cache`, `crowd`, `core`, `server`, `history`, `health`, `command_line`, `console`, `start` or `weight`;
# without any, all are measured. What isn't measured now stays in the document as it was: each section says when and on which machine it was
# measured. BENCH_SECONDS (60) shortens the timed parts of `cache`, `crowd`, `core` and `health` (the database is away
# for five times as long), BENCH_ROWS (1000000) the large registry, BENCH_SUBSCRIBERS (200) the crowd, BENCH_ENTRIES
# (10000000) the long audit log, which takes 10 GB in the temporary folder, BENCH_DAYS (7) the history of `health` and
# `console`, which takes 4 GB; BENCH_STARTS is how often the console is started for `start` (10), and each program for
# `weight` (11), which measures what packages hold: at first some half an hour is for building that.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A title=(
    [lookup]='Lookups in the cache, one thread or two'
    [cache]='The cache on a database'
    [crowd]='Many subscribers of one database'
    [core]="The core's writes"
    [server]='The HTTP server'
    [history]='Pages of a long audit log'
    [health]='The history of health'
    [command_line]='The command line'
    [console]='The window on large data'
    [start]="The console's start on an existing database, since the process began"
    [weight]='Weight and start, beside a bare window and pgAdmin 4'
)
all=(lookup cache crowd core server history health command_line console start weight)
document=docs/benchmarks.md
starts=${BENCH_STARTS:-10}
target=${CARGO_TARGET_DIR:-target}

wanted=("$@")
if (($# == 0)); then wanted=("${all[@]}"); fi
for section in "${wanted[@]}"; do
    if [[ -z ${title[$section]:-} ]]; then
        printf 'bench: no section %s; there are %s\n' "$section" "${all[*]}" >&2
        exit 2
    fi
done

scripts/prerequisites.sh bench
node postgresql/fetch.mjs
if [[ " ${wanted[*]} " =~ \ (console|start)\  ]]; then
    scripts/build-ui.sh
    cargo build --release --locked --package beamline-registry
fi
if [[ " ${wanted[*]} " =~ \ weight\  ]]; then
    scripts/build-ui.sh
    # As `make package` builds it.
    cargo build --profile shipped --locked --package beamline-registry --package registry-server
    cargo build --profile shipped --locked --manifest-path tests/bare-window/Cargo.toml --target-dir "$target"
    scripts/pgadmin.sh
fi
if [[ " ${wanted[*]} " =~ \ (server|command_line)\  ]]; then
    cargo build --release --locked --package registry-server
fi
cargo bench --no-run --locked --package registry --package system-tests

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
measure_lookup() {
    cargo bench --locked --package registry --bench lookup | tee --append /dev/stderr | awk -F ': +' '
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

# A program under tests/benches that prints rows; with the names of its parts.
measure_rows() {
    local bench=$1
    shift
    cargo bench --locked --package system-tests --bench "$bench" -- "$@" | tee --append /dev/stderr | grep '^|'
}

# Starts the console again and again; prints each phase's duration.
measure_start() {
    local attempt run
    start_virtual_display
    export BEAMLINE_REGISTRY_DATA_DIR=$work/data NO_AT_BRIDGE=1
    export XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config XDG_CACHE_HOME=$work/cache
    # Run 0 makes the database and is not counted.
    for ((run = 0; run <= starts; run++)); do
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

# How long the parts were, where that can be shortened.
lengths() {
    case $1 in
        cache) printf '; timed parts %s s, large registry %s rows' "${BENCH_SECONDS:-60}" "${BENCH_ROWS:-1000000}" ;;
        crowd | core | health) printf '; timed parts %s s' "${BENCH_SECONDS:-60}" ;;
        history) printf '; %s entries' "${BENCH_ENTRIES:-10000000}" ;;
        start) printf '; %s starts' "$starts" ;;
        weight) printf '; %s starts of each in turn, files in memory' "${BENCH_STARTS:-11}" ;;
    esac
}

measure() {
    local section=$1 load
    load=$(cut --delimiter=' ' --fields=1 /proc/loadavg)
    printf 'measuring: %s …\n' "${title[$section]}" >&2
    case $section in
        lookup) measure_lookup ;;
        start) measure_start ;;
        cache) measure_rows cache storm reload visible away ;;
        crowd) measure_rows cache crowd ;;
        *) measure_rows "$section" ;;
    esac >"$work/rows"
    {
        printf '## %s\n\n' "${title[$section]}"
        printf '%s, revision %s, load when it began %s%s.\n' "$(date --utc +%F)" \
            "$(git describe --always --dirty 2>/dev/null || echo unknown)" "$load" "$(lengths "$section")"
        printf '%s, %s processors, %s GiB of memory, Linux %s, %s, %s.\n' \
            "$(awk -F ': ' '/^model name/ { print $2; exit }' /proc/cpuinfo)" "$(nproc)" \
            "$(awk '/^MemTotal/ { printf "%.0f", $2 / 1024 / 1024 }' /proc/meminfo)" "$(uname -r)" \
            "$(target/postgresql/bin/postgres --version | sed 's/^postgres (PostgreSQL)/PostgreSQL/')" \
            "$(rustc --version | cut --delimiter=' ' --fields=1,2)"
        printf '\n| what | measured | held to |\n|---|---|---|\n'
        cat "$work/rows"
        printf '\n'
    } >"$work/$section"
}

# A section as the document has it.
kept() {
    if [[ -f $document ]]; then
        awk -v heading="## ${title[$1]}" '
            /^## / { inside = $0 == heading }
            inside { print; last = $0 }
            END { if (last != "") print "" }' "$document"
    fi
}

for section in "${wanted[@]}"; do measure "$section"; done
{
    cat <<'END'
# Benchmarks

Written by `make bench`: release builds, a section in one run on one machine. Lookups are medians of criterion's
samples. An empty last column: a figure that nothing is promised of.

END
    for section in "${all[@]}"; do
        if [[ -f $work/$section ]]; then cat "$work/$section"; else kept "$section"; fi
    done
} >"$work/benchmarks.md"
# Without the blank line at the end.
sed '$d' "$work/benchmarks.md" >"$document"
printf '\n'
grep '^[|#]' "$document"
