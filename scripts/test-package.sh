#!/usr/bin/env bash
# Installs the packages that `make package` has built into systems that have nothing else, works with them as a newcomer
# does, takes them away again and looks at what is left. Needs root rights. Builds nothing but what drives the window.
#
# The Debian is made by debootstrap, once, and kept in target/tools. Everything that is mounted for it is so in a namespace
# that ends with each command, so nothing has to be unmounted.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}
[[ $(id -u) == 0 ]] || fail "this needs root rights: sudo make test-package"
deb=$(find target/shipped/bundle/deb -maxdepth 1 -name '*.deb' 2>/dev/null) || true
rpm=$(find target/shipped/bundle/rpm -maxdepth 1 -name '*.rpm' 2>/dev/null) || true
[[ -f $deb && -f $rpm ]] || fail "there is no .deb and .rpm of one version: run \`make package\`"
scripts/prerequisites.sh package

work=$PWD/target/package-test
root=$work/debian
rm -rf "$work"
mkdir -p "$root" target/tools/apt-archives/partial

started=$EPOCHREALTIME
begin() { started=$EPOCHREALTIME; }
# Tells as a line of JSON how long a step took since `begin`.
done_with() {
    awk -v step="$1" -v from="$started" -v to="$EPOCHREALTIME" \
        'BEGIN { printf "{\"step\":\"%s\",\"seconds\":%.2f}\n", step, to - from }'
}
# Fails unless the second text holds the first.
holds() { [[ $2 == *"$1"* ]] || fail "$3: $1 is not in: $2"; }

tarball=target/tools/debian-bookworm.tar
if [[ ! -f $tarball ]]; then
    debootstrap --variant=minbase bookworm "$root" >"$work/debootstrap.log"
    tar --create --file "$tarball.unfinished" --directory "$root" --one-file-system .
    mv "$tarball.unfinished" "$tarball"
    rm -rf "$root"
    mkdir "$root"
fi
tar --extract --file "$tarball" --directory "$root"
cp /etc/resolv.conf "$root/etc/resolv.conf"

# Runs a command inside, as the account that is named.
cat >"$work/inside" <<INSIDE
#!/usr/bin/env bash
exec unshare --mount --pid --fork --kill-child "$work/mounted" "\$@"
INSIDE
cat >"$work/mounted" <<MOUNTED
#!/usr/bin/env bash
set -e
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
# The session bus has its socket there.
mount --bind /tmp "$root/tmp"
mount --bind "$PWD/target/tools/apt-archives" "$root/var/cache/apt/archives"
account=\$1
shift
home=/root
if [[ \$account != root ]]; then home=/home/\$account; fi
cd /
exec chroot --userspec="\$account" "$root" /usr/bin/env --unset=XDG_RUNTIME_DIR HOME="\$home" USER="\$account" LANG=C.UTF-8 \\
    PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin DEBIAN_FRONTEND=noninteractive "\$@"
MOUNTED
# The window is started by the driver, as a person does from a menu.
cat >"$work/beamline-registry" <<CONSOLE
#!/usr/bin/env bash
exec "$work/inside" anna beamline-registry "\$@"
CONSOLE
chmod +x "$work"/{inside,mounted,beamline-registry}
inside() { "$work/inside" "$@"; }
as_root() { inside root "$@"; }
as_anna() { inside anna "$@"; }
apt_install() { as_root apt-get install --yes --quiet --quiet --no-install-recommends "$@" >>"$work/apt.log" 2>&1; }

printf '== Installing into a bare Debian 12\n'
chroot "$root" useradd --create-home anna
as_root apt-get update --quiet --quiet
cp "$deb" "$root/root/package.deb"
begin
apt_install /root/package.deb || fail "$(tail -n 20 "$work/apt.log")"
done_with "installed with what it depends on"
# What the machine has further, to look at what comes with the package.
apt_install man-db bash-completion zsh fish xdg-utils libfile-mimeinfo-perl desktop-file-utils
missing=$(as_root bash -c 'dpkg -L beamline-registry | while IFS= read -r path; do
    if [[ -f $path ]] && head --bytes 4 "$path" | grep --quiet --text ELF; then ldd "$path" | sed "s|^|$path: |"; fi
done' | grep 'not found' || true)
[[ -z $missing ]] || fail "Depends lacks what has: $missing"
# What the programs ask of the C library, and what the package says of it.
needs=$(find "$root/usr/bin/beamline-registry" "$root/usr/bin/registryctl" "$root/usr/lib/beamline-registry" -type f -print0 |
    { xargs -0 objdump -T 2>/dev/null || true; } | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -n 1)
holds "libc6 (>= ${needs#GLIBC_})" "$(dpkg-deb --field "$deb" Depends)" "Depends"

printf '\n== Licences\n'
documents=$root/usr/share/doc/beamline-registry
zcat "$documents/third-party-licences.txt.gz" >"$work/licences" || fail "the licences of what the programs are made of"
# Before each text is a line of all that is under it.
sed -n 's/^of //p' "$work/licences" | sed 's/, /\n/g' | sort -u >"$work/with-text"
{
    for program in beamline-registry registry-server; do
        cargo tree --locked --package "$program" --edges normal,no-proc-macro --target "$(rustc --print host-tuple)" --prefix none --format '{p}' |
            awk '$0 !~ /\(\// { print $1, substr($2, 2) }'
    done
    node --print 'Object.entries(require("./ui/package.json").dependencies).map((each) => each.join(" ")).join("\n")'
} | sort -u >"$work/in-the-programs"
without=$(comm -23 "$work/in-the-programs" "$work/with-text")
[[ -z $without ]] || fail "without a licence text: $without"
# Each library beside PostgreSQL has a paragraph of its own.
paragraphs=$(sed -n 's/^Files: //p' "$documents/copyright" | tr ' ' '\n')
while IFS= read -r library; do
    found=''
    while IFS= read -r files; do
        # shellcheck disable=SC2053 # A pattern.
        if [[ $files == */lib/* && $library == $files ]]; then found=yes; fi
    done <<<"$paragraphs"
    [[ -n $found ]] || fail "nothing in $documents/copyright is of $library"
done < <(cd "$root" && find usr/lib/beamline-registry/postgresql/lib -maxdepth 1 -type f ! -name 'libpq.*')
for part in 'the TaBE Project' 'SmartBear Software' 'Henry Spencer'; do
    holds "$part" "$(<"$work/licences")" "the licences"
done
printf '%d crates and packages in the programs, each with its text\n' "$(wc --lines <"$work/in-the-programs")"

printf '\n== The command line, as an ordinary account\n'
begin
holds pii_guard "$(as_anna registryctl list --embedded)" "registryctl list"
done_with "registryctl: first list, with a new database"
holds '"server_version": "18' "$(as_anna registryctl status --embedded --json)" "registryctl status"
as_anna registryctl backup write --embedded /home/anna/one.beamline-backup >/dev/null
as_anna rm -rf /home/anna/.local /home/anna/.config

printf '\n== The window: from the package to a changed extension and a verified audit log\n'
# With the features of the whole workspace, as `make test` builds it: nothing is then built twice.
cargo build --quiet --locked --workspace --bin newcomers-walk
target/debug/newcomers-walk package "$work/beamline-registry" /home/anna/one.beamline-backup
begin
holds 'at revision 1' "$(as_anna registryctl audit verify --embedded)" "registryctl audit verify"
done_with "registryctl: the same log verified"
holds '"timeout_ms": 250' "$(as_anna registryctl get pii_guard --embedded --json)" "registryctl get"

printf '\n== What comes with the programs\n'
as_root desktop-file-validate /usr/share/applications/beamline-registry.desktop
appstreamcli validate-tree --no-net "$root" || fail "the metainfo"
as_anna cp /home/anna/one.beamline-backup /home/anna/without-a-name
for file in one.beamline-backup without-a-name; do
    holds application/x-beamline-backup "$(as_anna xdg-mime query filetype "/home/anna/$file")" "$file"
done
for type in application/x-beamline-backup x-scheme-handler/beamline-registry; do
    holds beamline-registry.desktop "$(as_anna xdg-mime query default "$type")" "$type"
done
holds 'registryctl-apply(1)' "$(as_anna env MANWIDTH=100 man registryctl)" "man registryctl"
holds '--file' "$(as_anna env MANWIDTH=100 man registryctl-apply)" "man registryctl-apply"
warnings=$(as_root bash -c 'for page in /usr/share/man/man1/registryctl*; do man --warnings --encoding=utf8 --local-file "$page" 2>&1 >/dev/null; done')
[[ -z $warnings ]] || fail "the manual: $warnings"
holds verify "$(as_anna bash -c 'source /usr/share/bash-completion/bash_completion; _completion_loader registryctl
    COMP_WORDS=(registryctl audit ver) COMP_CWORD=2 COMPREPLY=(); _registryctl registryctl ver audit; echo "${COMPREPLY[@]}"')" "bash"
holds _registryctl "$(as_anna zsh -c 'autoload -U compinit; compinit -D -u; echo $_comps[registryctl]')" "zsh"
holds verify "$(as_anna fish --command 'complete --do-complete "registryctl audit ver"')" "fish"
printf 'desktop entry, metainfo, MIME type, manual, completions of three shells: as they should be\n'

printf '\n== Taken away again\n'
as_root dpkg -L beamline-registry | while IFS= read -r path; do
    if [[ ! -d $root$path ]]; then printf '%s\n' "$path"; fi
done >"$work/files"
printf '/usr/lib/beamline-registry\n' >>"$work/files"
as_root apt-get remove --yes --quiet --quiet beamline-registry >>"$work/apt.log"
nothing_left() {
    local path left=''
    while IFS= read -r path; do
        if [[ -e $root$path ]]; then left+=" $path"; fi
    done <"$work/files"
    [[ -z $left ]] || fail "left behind: ${left:0:500}"
}
nothing_left
apt_install /root/package.deb
holds '"timeout_ms": 250' "$(as_anna registryctl get pii_guard --embedded --json)" "installed again"
holds 'at revision 1' "$(as_anna registryctl audit verify --embedded)" "installed again"
as_root apt-get purge --yes --quiet --quiet beamline-registry >>"$work/apt.log"
nothing_left
if as_root dpkg-query --status beamline-registry >/dev/null 2>&1; then fail "dpkg still knows it"; fi
[[ -d $root/home/anna/.local/share/dev.beamline.registry/postgresql ]] || fail "the data is gone"
printf 'removed: no file is left; installed again: the data is there; purged: no file is left, the data is kept\n'

printf '\n== The .rpm\n'
rpm --checksig --nosignature "$rpm"
# Both have the same files, but for where each kind of system has its licences, its changelog and what zsh completes.
same() { grep -vE '^/usr/(share/(doc|licenses|zsh)/|lib/beamline-registry$)' | sort; }
diff <(same <"$work/files") \
    <(rpm --query --list --package "$rpm" | same) || fail "the .rpm has other files than the .deb"
mkdir "$work/rpm"
rpm --root "$work/rpm" --initdb
rpm --root "$work/rpm" --force-debian --install --nodeps --noscripts "$rpm"
rpm --root "$work/rpm" --verify --nodeps beamline-registry || fail "what the .rpm installed differs"
cmp "$work/rpm/usr/bin/registryctl" target/shipped/registryctl
zcat "$work/rpm/usr/share/licenses/beamline-registry/third-party-licences.txt.gz" | cmp - "$work/licences"
rpm --root "$work/rpm" --erase --nodeps beamline-registry
left=$(find "$work/rpm" \( -path "$work/rpm/var" -o -name .rpmdb \) -prune -o -type f -print)
[[ -z $left ]] || fail "left behind: $left"
rpm --query --requires --package "$rpm" | grep -v '^rpmlib'
printf 'installed into an empty root, verified, erased: no file is left\n'

printf '\nThe pictures of the walk: target/pictures/package-*.png\n'
