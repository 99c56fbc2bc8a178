#!/usr/bin/env bash
# Checks what the product is made of: licences, where it comes from, scripts that would run at its installation, and known holes
# where their lists can be reached.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ ! -x target/tools/bin/cargo-deny ]]; then
    echo "Building cargo-deny"
    cargo install cargo-deny --version 0.20.2 --locked --root target/tools
fi
# The tests' own tools are not handed out, and are pinned with checksums all the same.
deny=(target/tools/bin/cargo-deny --locked)

printf '\n== Rust: licences, versions, sources\n'
"${deny[@]}" check --hide-inclusion-graph licenses bans sources

printf '\n== JavaScript: licences, and scripts at installation\n'
node scripts/npm-packages.mjs ui/package-lock.json postgresql/package-lock.json tests/postman/package-lock.json

printf '\n== Rust: known holes\n'
if timeout 20 git ls-remote --quiet https://github.com/rustsec/advisory-db HEAD >/dev/null 2>&1; then
    "${deny[@]}" check --hide-inclusion-graph advisories
else
    echo "NOT CHECKED: https://github.com/rustsec/advisory-db can't be reached from here."
fi

printf '\n== JavaScript: known holes\n'
for folder in ui postgresql tests/postman; do
    # Without an answer there is a message and no vulnerabilities in it.
    answer=$(npm --prefix "$folder" audit --json 2>/dev/null || true)
    node --eval '
        const [folder, text] = process.argv.slice(1);
        let answer = {};
        try { answer = JSON.parse(text); } catch {}
        const counts = answer.metadata?.vulnerabilities;
        if (!counts) {
            console.log(`${folder}: NOT CHECKED: the registry told nothing.`);
        } else {
            console.log(`${folder}: ${JSON.stringify(counts)}`);
            for (const { name, severity, range } of Object.values(answer.vulnerabilities)) console.log(`  ${severity}: ${name} ${range}`);
            if (counts.high + counts.critical > 0) process.exit(1);
        }' "$folder" "$answer"
done
