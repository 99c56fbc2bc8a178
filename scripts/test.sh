#!/usr/bin/env bash
# Runs every check and test. Stops at the first that fails, and says which.
set -euo pipefail
cd "$(dirname "$0")/.."

log=target/test-output.log
mkdir -p target
: >"$log"

step() {
    local name=$1
    shift
    local started=$SECONDS
    printf '\n== %s\n' "$name"
    if ! "$@" 2>&1 | tee --append "$log"; then
        printf '\nFAILED: %s (after %d s)\n' "$name" $((SECONDS - started)) >&2
        exit 1
    fi
    printf '== %s: %d s\n' "$name" $((SECONDS - started))
}

step "prerequisites" scripts/prerequisites.sh test
step "bundled PostgreSQL" node postgresql/fetch.mjs
step "frontend: build" scripts/build-ui.sh
step "frontend: lint and format" npm --prefix ui run --silent lint
step "frontend: tests" npm --prefix ui test --silent
step "Rust: format" cargo fmt --all --check
step "Rust: lint" cargo clippy --workspace --all-targets --locked --quiet -- --deny warnings
step "Rust: tests" cargo test --workspace --locked

# Colour codes would hide the numbers.
plain=$(sed 's/\x1b\[[0-9;]*m//g' "$log")
sum() { awk '{ total += $1 } END { print total + 0 }'; }
passed=$({ grep -oE '^test result: ok\. [0-9]+ passed' <<<"$plain" | grep -oE '[0-9]+'
    grep -E '^ *Tests ' <<<"$plain" | grep -oE '[0-9]+ passed' | grep -oE '[0-9]+'; } | sum)
printf '\nAll checks passed in %d s.\n%d passed, 0 failed\n' "$SECONDS" "$passed"
