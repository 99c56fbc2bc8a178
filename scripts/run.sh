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
console=''
# shellcheck source=scripts/virtual-display.sh
source scripts/virtual-display.sh

# Ends the console. One that doesn't end within 15 s is killed, which is an error.
end_console() {
    local process=$console tenth
    console=''
    [[ -n $process ]] || return 0
    kill "$process" 2>/dev/null || true
    for ((tenth = 0; tenth < 150; tenth++)); do
        if ! kill -0 "$process" 2>/dev/null; then return 0; fi
        sleep 0.1
    done
    echo "error: the console did not end when it was told to, and was killed" >&2
    kill -KILL "$process" 2>/dev/null || true
    return 1
}
finish() {
    # The console first: it needs its screen until it has ended.
    end_console || true
    stop_virtual_display
    rm -rf "$work"
}
trap finish EXIT
start_virtual_display

: >"$work/log"
NO_AT_BRIDGE=1 "$program" "$@" 2>"$work/log" &
console=$!

state=timeout
for ((attempt = 0; attempt < 600; attempt++)); do
    if grep --quiet 'extensions table shown' "$work/log"; then state=shown; break; fi
    if grep --quiet 'database failed to start' "$work/log"; then state=failed; break; fi
    if ! kill -0 "$console" 2>/dev/null; then state=ended; break; fi
    sleep 0.2
done
# The page is painted by another process: give the last frame time to reach the screen.
sleep 1
mkdir -p "$(dirname "$picture")"
status=0
if import -window root "$picture"; then
    echo "A picture of the window: $picture"
else
    echo "error: no picture of the window could be taken" >&2
    status=1
fi

end_console || status=1
if [[ $state != shown ]]; then
    echo "error: the console did not show its table ($state). Its last lines:" >&2
    tail -n 20 "$work/log" >&2
    exit 1
fi
grep 'start phase: table shown' "$work/log" || true
if ((status != 0)); then exit 1; fi
echo "To use the console, run \`make run\` on a desktop."
