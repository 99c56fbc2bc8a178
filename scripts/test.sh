#!/usr/bin/env bash
# Runs every check and test. Stops after the first step that fails, and says which.
set -euo pipefail
cd "$(dirname "$0")/.."

log=target/test-output.log
mkdir -p target
: >"$log"

# Sums what cargo and Vitest say has passed or failed. Colour codes would hide the numbers.
count() {
    sed 's/\x1b\[[0-9;]*m//g' "$log" | grep -E '^test result: |^ *Tests ' | grep -oE "[0-9]+ $1" |
        awk '{ total += $1 } END { print total + 0 }' || true
}

step() {
    local name=$1
    shift
    local started=$SECONDS
    printf '\n== %s\n' "$name"
    if ! "$@" 2>&1 | tee --append "$log"; then
        printf '\nFAILED: %s (after %d s)\n' "$name" $((SECONDS - started)) >&2
        if (($(count failed) > 0)); then printf '%d passed, %d failed\n' "$(count passed)" "$(count failed)"; fi
        exit 1
    fi
    printf '== %s: %d s\n' "$name" $((SECONDS - started))
}

step "prerequisites" scripts/prerequisites.sh test
step "bundled PostgreSQL" node postgresql/fetch.mjs
step "npm packages" node scripts/npm-packages.mjs ui/package-lock.json postgresql/package-lock.json tests/postman/package-lock.json
step "frontend: build" scripts/build-ui.sh
step "frontend: lint and format" npm --prefix ui run --silent lint
step "frontend: tests" npm --prefix ui test --silent
step "Rust: format" cargo fmt --all --check
step "Rust: lint" cargo clippy --workspace --all-targets --locked --quiet -- --deny warnings
step "Rust: tests" cargo test --workspace --locked --no-fail-fast

if (($(count passed) == 0)); then
    echo "FAILED: no test has run" >&2
    exit 1
fi
printf '\nAll checks passed in %d s.\n%d passed, %d failed\n' "$SECONDS" "$(count passed)" "$(count failed)"
