#!/usr/bin/env bash
# Makes the icon set in icons/ from icons/icon.svg, keeping what a desktop needs.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT
npm --prefix ui exec -- tauri icon "$PWD/icons/icon.svg" --output "$work"
for name in 32x32.png 64x64.png 128x128.png 128x128@2x.png icon.png icon.icns icon.ico; do
    cp "$work/$name" icons/
done
