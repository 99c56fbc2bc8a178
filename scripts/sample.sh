#!/usr/bin/env bash
# Fills the console's own database with made-up calls, to have something to look at. A database that has seen a call
# is left as it is.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/prerequisites.sh run
node postgresql/fetch.mjs
scripts/build-ui.sh
cargo build --release --locked --package beamline-registry
target/release/beamline-registry --fill-sample-traffic
echo "To look at it: make run, then Health. There it is also taken away again, in one click."
