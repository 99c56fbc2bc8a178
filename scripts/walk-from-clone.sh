#!/usr/bin/env bash
# What a newcomer does with a clone: builds and opens the console by the README's first command, has something to look at by
# its second, changes an extension in the window, finds the change in the audit log and verifies the log; then the same by
# registryctl. Of what is committed, on a screen of its own. Tells as a line of JSON how long each step took.
#
# The clone is built from nothing, in the temporary folder, and taken away again; its data is kept apart from the account's
# own. What has to be installed on the machine and downloaded by Cargo and npm is not counted: that is fetched before.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}
[[ -z $(git status --porcelain) ]] || printf 'walk: what is not committed is not in the clone\n' >&2
scripts/prerequisites.sh test
node postgresql/fetch.mjs
scripts/build-ui.sh
cargo fetch --locked
# What walks through the window, with the features of the whole workspace, as `make test` builds it: nothing is built twice.
cargo build --quiet --locked --workspace --bin newcomers-walk

work=$(mktemp --directory)
# As root, PostgreSQL runs as another account, which has to reach its data.
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
export BEAMLINE_REGISTRY_DATA_DIR=$work/data
export XDG_DATA_HOME=$work/share XDG_CONFIG_HOME=$work/config XDG_STATE_HOME=$work/state XDG_CACHE_HOME=$work/cache
unset CARGO_TARGET_DIR DISPLAY WAYLAND_DISPLAY

# Runs a command in the clone; what it says is shown if it fails.
step() {
    local name=$1 started=$EPOCHREALTIME
    shift
    (cd "$work/clone" && "$@") >"$work/said" 2>&1 || fail "$name: $(tail -n 30 "$work/said")"
    awk -v step="$name" -v from="$started" -v to="$EPOCHREALTIME" \
        'BEGIN { printf "{\"step\":\"%s\",\"seconds\":%.2f}\n", step, to - from }'
}
# Fails unless what the last step said holds this.
said() { grep --quiet --fixed-strings -- "$1" "$work/said" || fail "$1 is not in: $(<"$work/said")"; }

git clone --quiet "$here" "$work/clone"
step "make run: built, opened, and a picture taken" make run
said 'start phase: table shown'
mkdir -p target/pictures
cp "$work/clone/target/pictures/window.png" target/pictures/clone-0-make-run.png
step "make sample" make sample
step "registryctl built" cargo build --release --package registry-server
registryctl=target/release/registryctl
step "registryctl: the registry in a file" $registryctl backup write --embedded "$work/one.beamline-backup"

target/debug/newcomers-walk clone "$work/clone/target/release/beamline-registry" "$work/one.beamline-backup"

step "registryctl: the extension" $registryctl get pii_guard --embedded --json
said '"timeout_ms": 250'
step "registryctl: the log verified" $registryctl audit verify --embedded
said 'at revision 1'
printf '\nThe pictures of the walk: target/pictures/clone-*.png\n'
