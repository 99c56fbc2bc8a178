# shellcheck shell=bash
# Functions for scripts that show the console where there is no display. To be sourced.

virtual_display_process=''

# Starts an X server on a free display and names it in DISPLAY.
start_virtual_display() {
    local answer
    answer=$(mktemp)
    Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp 3>"$answer" 2>/dev/null &
    virtual_display_process=$!
    until [[ -s $answer ]]; do
        kill -0 "$virtual_display_process" 2>/dev/null || {
            echo "error: Xvfb didn't start" >&2
            exit 1
        }
        sleep 0.05
    done
    DISPLAY=:$(cat "$answer")
    export DISPLAY
    rm "$answer"
}

stop_virtual_display() {
    if [[ -n $virtual_display_process ]]; then
        kill "$virtual_display_process" 2>/dev/null || true
        wait "$virtual_display_process" 2>/dev/null || true
        virtual_display_process=''
    fi
}
