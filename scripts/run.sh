#!/usr/bin/env bash
# Builds the console and runs it. Without a display, runs it on a virtual one and takes a picture.
# Arguments go to the console.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/prerequisites.sh run
node postgresql/fetch.mjs
scripts/build-ui.sh
cargo build --release --locked --package beamline-registry
program=target/release/beamline-registry

if [[ -n ${DISPLAY:-} || -n ${WAYLAND_DISPLAY:-} || $(uname) != Linux ]]; then
    exec "$program" "$@"
fi

echo "There is no display: running the console on a virtual one (1280x800)."
picture=$PWD/target/pictures/window.png
work=$(mktemp --directory)
session=''
# shellcheck source=scripts/virtual-display.sh
source scripts/virtual-display.sh
finish() {
    # The session first: the console closes its database while it still has a screen.
    if [[ -n $session ]]; then
        kill "$session" 2>/dev/null || true
        wait "$session" 2>/dev/null || true
    fi
    stop_virtual_display
    rm -rf "$work"
}
trap finish EXIT
start_virtual_display

# exec, so that the signal which ends the session reaches the console itself.
# shellcheck disable=SC2016 # The inner shell expands these.
NO_AT_BRIDGE=1 dbus-run-session -- bash -c 'echo $$ >"$0"; exec "$@"' "$work/console" "$program" "$@" 2>"$work/log" &
session=$!

state=timeout
for ((attempt = 0; attempt < 600; attempt++)); do
    if grep --quiet 'extensions table shown' "$work/log"; then state=shown; break; fi
    if grep --quiet 'database failed to start' "$work/log"; then state=failed; break; fi
    if ! kill -0 "$session" 2>/dev/null; then state=ended; break; fi
    sleep 0.2
done
# The page is painted by another process: give the last frame time to reach the screen.
sleep 1
mkdir -p "$(dirname "$picture")"
import -window root "$picture" && echo "A picture of the window: $picture"

# End the console itself, so that the session ends by itself.
if [[ -s $work/console ]]; then
    kill "$(cat "$work/console")" 2>/dev/null || true
    wait "$session" 2>/dev/null || true
    session=''
fi
if [[ $state != shown ]]; then
    echo "error: the console did not show its table ($state). Its last lines:" >&2
    tail -n 20 "$work/log" >&2
    exit 1
fi
grep 'start phase: table shown' "$work/log" || true
echo "To use the console, run \`make run\` on a desktop."
