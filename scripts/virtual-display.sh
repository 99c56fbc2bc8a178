# shellcheck shell=bash
# Functions for scripts that show the console where there is no display. To be sourced.

virtual_display_processes=()

# Starts an X server on a free display, named in DISPLAY, and a session bus. Both are started here and
# not by dbus-run-session, which leaves its bus behind when it is ended by a signal.
start_virtual_display() {
    local answers process
    answers=$(mktemp --directory)
    Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp 3>"$answers/display" 2>/dev/null &
    virtual_display_processes+=($!)
    dbus-daemon --session --nofork --nopidfile --print-address=3 3>"$answers/bus" 2>/dev/null &
    virtual_display_processes+=($!)
    until [[ -s $answers/display && -s $answers/bus ]]; do
        for process in "${virtual_display_processes[@]}"; do
            kill -0 "$process" 2>/dev/null || {
                echo "error: Xvfb or dbus-daemon didn't start" >&2
                exit 1
            }
        done
        sleep 0.05
    done
    DISPLAY=:$(cat "$answers/display")
    DBUS_SESSION_BUS_ADDRESS=$(cat "$answers/bus")
    export DISPLAY DBUS_SESSION_BUS_ADDRESS
    rm -r "$answers"
}

stop_virtual_display() {
    local process
    for process in "${virtual_display_processes[@]}"; do
        kill "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    virtual_display_processes=()
}
