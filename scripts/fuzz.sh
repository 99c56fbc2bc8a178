#!/usr/bin/env bash
# Has libFuzzer look for input that breaks a promise, so many seconds a target, all targets or those that are named.
#
# The compiler of rust-toolchain.toml does it: what libFuzzer is told of (which branches are taken, what is compared) are
# passes that the stable compiler has. Only the sanitizers need a nightly one, and there is no unsafe code in the parsers.
# What is found lies in target/fuzz/found: put it into fuzz/corpus/TARGET with a name that says what it is.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${SECONDS_PER_TARGET:-60}
targets=("$@")
if ((${#targets[@]} == 0)); then mapfile -t targets < <(ls fuzz/corpus); fi

export CARGO_TARGET_DIR=target/fuzz
RUSTFLAGS="${RUSTFLAGS:-} --cfg fuzzing -C passes=sancov-module -C llvm-args=-sanitizer-coverage-level=4 \
-C llvm-args=-sanitizer-coverage-inline-8bit-counters -C llvm-args=-sanitizer-coverage-pc-table \
-C llvm-args=-sanitizer-coverage-trace-compares -C codegen-units=1" \
    cargo build --package fuzz-targets --features libfuzzer --bin fuzz --profile fuzz --locked --target "$(rustc -vV | sed -n 's/^host: //p')"
program=$(echo target/fuzz/*/fuzz/fuzz)

mkdir -p target/fuzz/found
for target in "${targets[@]}"; do
    # What was learnt in earlier runs is kept beside what is committed.
    mkdir -p "target/fuzz/learnt/$target"
    printf '\n== %s, %s s\n' "$target" "$seconds"
    FUZZ_TARGET=$target "$program" "target/fuzz/learnt/$target" "fuzz/corpus/$target" \
        -artifact_prefix="target/fuzz/found/$target-" -max_total_time="$seconds" \
        -timeout=10 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1 -verbosity=1
done
