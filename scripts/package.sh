#!/usr/bin/env bash
# Builds the packages of this system: .deb and .rpm, on a Mac .dmg. Arguments name others, such as `appimage`.
set -euo pipefail
cd "$(dirname "$0")/.."

kinds=$*
if [[ -z $kinds ]]; then
    kinds='deb rpm'
    if [[ $(uname) == Darwin ]]; then kinds=dmg; fi
fi

scripts/prerequisites.sh run
node postgresql/fetch.mjs
scripts/build-ui.sh
# Both programs by one call of cargo: their dependencies are then built once.
ui/node_modules/.bin/tauri build --ci --bundles "${kinds// /,}" -- \
    --locked --profile shipped --package beamline-registry --package registry-server

printf '\nThe packages:\n'
find target/shipped/bundle -maxdepth 2 -type f \( -name '*.deb' -o -name '*.rpm' -o -name '*.AppImage' -o -name '*.dmg' \) \
    -printf '%10s bytes  %p\n'
