#!/usr/bin/env bash
# Makes sure that this machine has what building, running or testing needs.
#
#   scripts/prerequisites.sh run    to build and run the console
#   scripts/prerequisites.sh test   to run the tests as well
#   scripts/prerequisites.sh bench  to measure as well
#   scripts/prerequisites.sh package  to test packages as well
#
# Debian and Ubuntu: installs what is missing with apt. Elsewhere: names it.
set -euo pipefail
cd "$(dirname "$0")/.."

purpose=${1:?usage: scripts/prerequisites.sh run|test|bench|package}
has() { command -v "$1" >/dev/null 2>&1; }
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

has cargo || fail "Rust is missing. Install rustup (https://rustup.rs), then try again."
# rustup's cargo is the version that rust-toolchain.toml names; a distribution's may be too old for this workspace.
wanted=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
found=$(cargo --version | cut -d ' ' -f 2)
printf '%s\n' "$wanted" "$found" | sort -C -V ||
    fail "Rust $found is too old. Install rustup (https://rustup.rs), which fetches $wanted, then try again."
{ has node && has npm; } || fail "Node.js is missing. Install version 20.19 or newer (https://nodejs.org), then try again."
node --eval 'const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)' ||
    fail "Node.js $(node --version) is too old. Install version 20.19 or newer, then try again."

packages=(build-essential pkg-config libwebkit2gtk-4.1-dev librsvg2-dev)
if [[ $purpose == bench ]]; then
    purpose=test
    # What the HTTP server is measured with.
    packages+=(wrk)
fi
if [[ $purpose == package ]]; then
    purpose=test
    # A Debian to install into, and the other kind of package.
    packages+=(debootstrap rpm)
fi
if [[ $purpose == test || (-z ${DISPLAY:-} && -z ${WAYLAND_DISPLAY:-}) ]]; then
    # A virtual display, a session bus and a picture of the screen.
    packages+=(xvfb dbus imagemagick)
fi
if [[ $purpose == test ]]; then
    # The driver of the window, a keychain, what shows the icon in the tray, dunst, which shows the desktop's
    # notices (dbus-send asks it), what Patroni and Schemathesis are written in, what the examples of docs/api.md are
    # run with, clocks that jump, and what knows desktop entries, metainfo, MIME types and manuals.
    packages+=(webkit2gtk-driver gnome-keyring libayatana-appindicator3-1 dunst python3 python3-venv curl jq libfaketime
        desktop-file-utils appstream shared-mime-info libglib2.0-bin man-db)
fi

as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        fail "root rights are needed to run: $*"
    fi
}

if has apt-get && has dpkg-query; then
    missing=()
    for package in "${packages[@]}"; do
        if [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
            missing+=("$package")
        fi
    done
    no_cluster=''
    if [[ $purpose == test ]] && ! compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then
        missing+=(postgresql)
        no_cluster=/etc/postgresql-common/createcluster.d/beamline-registry-tests.conf
    fi
    if ((${#missing[@]} > 0)); then
        echo "Installing with apt: ${missing[*]}"
        if [[ -n $no_cluster ]]; then
            # The tests need PostgreSQL's programs: for this installation alone, no cluster is made and started.
            as_root mkdir -p "${no_cluster%/*}"
            trap 'as_root rm -f "$no_cluster"' EXIT
            echo 'create_main_cluster = false' | as_root tee "$no_cluster" >/dev/null
        fi
        as_root apt-get update --quiet --quiet
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends "${missing[@]}"
    fi
elif [[ $(uname) == Linux ]]; then
    echo "This system has no apt. Please make sure that it has the counterparts of: ${packages[*]}"
fi

# Fetches packages into the current folder.
download() {
    # Where nothing was installed before, apt may not know yet what there is.
    apt-get download --quiet --quiet "$@" 2>/dev/null || {
        as_root apt-get update --quiet --quiet
        apt-get download --quiet --quiet "$@"
    }
}

# Unpacked and not installed: an installed nats-server runs as a service from then on.
nats=target/tools/nats-server
if [[ $purpose == test && ! -x $nats/usr/sbin/nats-server ]] && ! has nats-server && [[ ! -x /usr/sbin/nats-server ]]; then
    has apt-get && has dpkg-deb || fail "nats-server is missing. Install it (https://nats.io/download), then try again."
    echo "Unpacking nats-server, which the tests send messages over"
    mkdir -p "$nats"
    (
        cd "$nats"
        download nats-server
        dpkg-deb --extract nats-server_*.deb .
        rm nats-server_*.deb
    )
fi

# Unpacked for the same reason, with the libraries that it needs beside those that every system has.
pgbouncer=target/tools/pgbouncer
if [[ $purpose == test && ! -x $pgbouncer/usr/sbin/pgbouncer && ! -x /usr/sbin/pgbouncer ]]; then
    has apt-get && has dpkg-deb || fail "PgBouncer is missing. Install it (https://www.pgbouncer.org), then try again."
    echo "Unpacking PgBouncer, which the tests connect through"
    mkdir -p "$pgbouncer"
    (
        cd "$pgbouncer"
        download pgbouncer
        mapfile -t libraries < <(dpkg-deb --field pgbouncer_*.deb Depends | tr ',' '\n' | grep -oE 'lib(c-ares|event)[^ ]*')
        download "${libraries[@]}"
        for package in *.deb; do dpkg-deb --extract "$package" .; done
        rm ./*.deb
    )
fi

# Unpacked for the same reason: an installed etcd runs as a service. With all that they need and that isn't installed.
patroni=target/tools/patroni
if [[ $purpose == test && ! (-x $patroni/usr/bin/patroni && -x $patroni/usr/bin/etcd) && ! (-x /usr/bin/patroni && -x /usr/bin/etcd) ]]; then
    has apt-get && has dpkg-deb || fail "Patroni or etcd is missing. Install them (https://patroni.readthedocs.io, https://etcd.io), then try again."
    echo "Unpacking Patroni and etcd, which decide in the tests which server is the primary"
    mkdir -p "$patroni"
    (
        cd "$patroni"
        wanted=(patroni etcd-server python3-etcd)
        download "${wanted[@]}"
        mapfile -t missing < <(apt-get install --simulate --no-install-recommends "${wanted[@]}" | sed -n 's/^Inst \([^ ]*\) .*/\1/p')
        download "${missing[@]}"
        for package in *.deb; do dpkg-deb --extract "$package" .; done
        rm ./*.deb
    )
fi

if [[ $purpose == test && ! -x target/tools/bin/tauri-driver ]] && ! has tauri-driver; then
    echo "Building tauri-driver, which drives the window in the tests"
    cargo install tauri-driver --version 2.1.0 --locked --root target/tools
fi

# The versions and their hashes are pinned; what is installed is noted last, so that half an installation is none.
schemathesis=target/tools/schemathesis
requirements=tests/schemathesis/requirements.txt
if [[ $purpose == test ]] && ! cmp --silent "$requirements" "$schemathesis/installed.txt"; then
    echo "Installing Schemathesis, which makes up requests in the tests"
    rm -rf "$schemathesis"
    python3 -m venv "$schemathesis"
    "$schemathesis/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --require-hashes --requirement "$requirements"
    cp "$requirements" "$schemathesis/installed.txt"
fi

# The copy of the lock file is written last, so that an installation which was cut short is repeated.
postman=tests/postman
if [[ $purpose == test ]] && ! cmp --silent "$postman/package-lock.json" "$postman/node_modules/.installed-package-lock.json"; then
    echo "Installing Newman, which runs the collection for Postman in the tests"
    npm --prefix "$postman" ci --ignore-scripts --no-audit --no-fund --loglevel=error
    cp "$postman/package-lock.json" "$postman/node_modules/.installed-package-lock.json"
fi
