#!/usr/bin/env bash
# Installs pgAdmin 4 into target/tools/pgadmin, which `make bench` measures beside the console.
set -euo pipefail
cd "$(dirname "$0")/.."

# The versions and their hashes are pinned; what is installed is noted last, so that half an installation is none.
pgadmin=target/tools/pgadmin
requirements=tests/pgadmin/requirements.txt
if ! cmp --silent "$requirements" "$pgadmin/installed.txt"; then
    echo "Installing pgAdmin 4, which the console is measured beside"
    rm -rf "$pgadmin"
    python3 -m venv "$pgadmin"
    install() { "$pgadmin/bin/pip" install --quiet --disable-pip-version-check --require-hashes "$@"; }
    # Two of what it needs have no wheel: the setuptools that is pinned builds them, and no other is fetched for it.
    install --requirement <(sed -n '/^setuptools==/,$p' "$requirements")
    install --prefer-binary --no-build-isolation --requirement "$requirements"
    cp "$requirements" "$pgadmin/installed.txt"
fi
for package in "$pgadmin"/lib/python*/site-packages/pgadmin4; do cp tests/pgadmin/config_local.py "$package"; done
