#!/usr/bin/env bash
# Installs the frontend's packages as they are locked, if that changed, and builds it into ui/dist.
set -euo pipefail
cd "$(dirname "$0")/../ui"

# The copy of the lock file is written last, so that an installation which was cut short is repeated.
installed=node_modules/.installed-package-lock.json
if ! cmp --silent package-lock.json "$installed"; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    cp package-lock.json "$installed"
fi
npm run --silent build
