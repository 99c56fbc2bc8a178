#!/usr/bin/env bash
# Takes the pictures in docs/pictures anew: the tests of the real window make them.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/prerequisites.sh test
node postgresql/fetch.mjs
scripts/build-ui.sh
cargo build --locked --package beamline-registry
cargo test --locked --package system-tests --test window -- first_light routers console
mkdir -p docs/pictures
for page in extensions audit health routers settings; do
    for scheme in light dark; do
        cp "target/pictures/$page-$scheme.png" docs/pictures/
    done
done
cp target/pictures/{extensions-switched,panel,review,history,conflict,audit-group}-light.png docs/pictures/
echo "The pictures are in docs/pictures."
