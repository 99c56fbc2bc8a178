#!/usr/bin/env bash
# Measures which lines the tests run, and fails where it is less than 80 % of
#
#   core    crates/registry, by its unit tests, tests/core, and what registryctl calls of it in the tests of the server
#   server  crates/registry-server, by its unit tests and registryctl's processes in tests/server and tests/command_line
#   UI      ui/src, by Vitest
#
# Not counted: tests themselves, ui/src/bindings.ts (generated), ui/src/main.tsx (wires what tests wire themselves), and what
# a process has run that was killed, for it leaves no profile. Not run, so that it ends soon: tests/backup, connections, embedded
# and nats, so moves (moving.rs) and tried connections (probe.rs) count as not run. tests/window tries src-tauri as a whole.
# target/coverage has each line: rust/tarpaulin-report.html, ui/index.html.
set -euo pipefail
cd "$(dirname "$0")/.."

least=80
few=60

scripts/prerequisites.sh test
node postgresql/fetch.mjs
scripts/build-ui.sh
if [[ ! -x target/tools/bin/cargo-tarpaulin ]]; then
    echo "Building cargo-tarpaulin"
    cargo install cargo-tarpaulin --version 0.37.5 --locked --root target/tools
fi
rm -rf target/coverage/rust target/coverage/ui

# The tests find registryctl beside themselves, so that it is the instrumented one; --test openapi has it built. Its processes
# get from the test where to write their profiles, and the engine llvm reads those as well.
RUSTC_WRAPPER=$PWD/scripts/rustc-for-coverage.sh target/tools/bin/cargo-tarpaulin tarpaulin \
    --engine llvm --skip-clean --implicit-test-threads --timeout 3600 --rustflags=-Cdebuginfo=0 --locked \
    --target-dir target/coverage --output-dir target/coverage/rust --out Lcov Html \
    --include-files 'crates/registry/src/*' 'crates/registry-server/src/*' \
    --packages registry registry-server system-tests \
    --lib --bin registryctl --test core server command_line openapi
rm -rf target/coverage/tarpaulin
npm --prefix ui run --silent coverage -- --coverage.reporter=lcovonly --coverage.reporter=html --coverage.reportsDirectory="$PWD/target/coverage/ui"

awk -v folder="$PWD/" -v least="$least" -v few="$few" '
    BEGIN { split("core server UI", parts) }
    /^SF:/ {
        file = substr($0, 4)
        if (index(file, folder) == 1) file = substr(file, length(folder) + 1); else file = "ui/" file
        part = file ~ /^crates\/registry\// ? "core" : file ~ /^crates\/registry-server\// ? "server" : "UI"
    }
    /^LF:/ { lines = substr($0, 4) }
    /^LH:/ { hit = substr($0, 4) }
    /^end_of_record/ {
        all[part] += lines; run[part] += hit
        if (lines > 0 && hit * 100 < lines * few) low = low sprintf("%-7s %6.1f %%  %5d of %5d  %s\n", part, hit * 100 / lines, hit, lines, file)
    }
    END {
        if (low) printf "\nFiles of which less than %d %% of the lines are run:\n%s", few, low
        printf "\n%-7s %8s  %14s\n", "", "lines", "run of all"
        for (i = 1; i <= 3; i++) {
            part = parts[i]
            share = all[part] ? run[part] * 100 / all[part] : 0
            printf "%-7s %6.1f %%  %5d of %5d%s\n", part, share, run[part], all[part], share < least ? "  FAILED: less than " least " %" : ""
            if (share < least) failed = 1
        }
        exit failed
    }' target/coverage/rust/lcov.info target/coverage/ui/lcov.info
