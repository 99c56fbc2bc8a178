#!/usr/bin/env bash
# Takes the pictures anew: the tests of the real window make them. All pages and dialogs, light and dark, most on a small
# screen and on a large one, are then in target/pictures to be looked at; those of the README are copied to docs/pictures.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/prerequisites.sh test
node postgresql/fetch.mjs
scripts/build-ui.sh
cargo build --locked --package beamline-registry
rm -rf target/pictures
cargo test --locked --package system-tests --test window -- \
    pictures connections console first_light forms audit health limits live_test

mkdir -p docs/pictures
cp target/pictures/extensions-dark-1280.png docs/pictures/extensions-dark.png
for scheme in light dark; do
    cp "target/pictures/audit-$scheme-1280.png" "docs/pictures/audit-$scheme.png"
    cp "target/pictures/health-overview-$scheme.png" "docs/pictures/health-$scheme.png"
    cp "target/pictures/health-extension-$scheme.png" docs/pictures/
done
cp target/pictures/backups-light-1280.png docs/pictures/backups-light.png
cp target/pictures/connection-lost-tail-light.png docs/pictures/
for page in panel question; do cp "target/pictures/$page-light-1280.png" "docs/pictures/$page-light.png"; done
cp target/pictures/{extensions-switched-light,conflict-dark}.png docs/pictures/
echo "The pictures are in target/pictures; those of the README in docs/pictures."
