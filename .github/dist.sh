#!/usr/bin/env bash
# Packs a built program for release: .github/dist.sh PROGRAM TARGET
#
# Makes dist/passwave-vVERSION-TARGET.tar.gz (.zip for Windows) with the program, the man pages, shell completions, licences,
# README and the pages it links to, the CI workflows and example rosters; for Linux also the Debian package, if cargo-deb is
# installed. The program itself prints the man pages and completions, so it has to run on this machine.
set -euo pipefail

program=${1:?which program} target=${2:?for which target}
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")
cd "$(dirname "$0")/.."

name=passwave-v$("$program" --version | cut -d ' ' -f 2)-$target
place=dist/$name
rm -rf "$place"
[[ $target == *windows* ]] && suffix=.exe || suffix=
mkdir -p "$place/man" "$place/completions" "$place/examples"

cp "$program" "$place/passwave$suffix"
cp ./*.md LICENSE-APACHE LICENSE-MIT "$place/"
cp -R docs "$place/"
rm "$place/docs/book.toml"
# The program contains the typeface of the handouts, so its licence is included.
cp src/handouts/typeface/OFL.txt "$place/LICENSE-OFL-typeface"
cp -R examples/check_evidence.py examples/faults.json examples/pipelines examples/rosters "$place/examples/"
"$program" man >"$place/man/passwave.1"
verbs=$(sed -n 's/^passwave\\-\([a-z]*\)(1)$/\1/p' "$place/man/passwave.1")
for verb in ${verbs/help/}; do
    "$program" man "$verb" >"$place/man/passwave-$verb.1"
done
for shell in bash zsh fish powershell elvish; do
    "$program" completions "$shell" >"$place/completions/passwave.$shell"
done

case $target in
*windows*) (cd dist && 7z a -bso0 "$name.zip" "$name") ;;
*) tar -czf "dist/$name.tar.gz" -C dist "$name" ;;
esac

if [[ $target == *linux* ]] && cargo deb --version >/dev/null 2>&1; then
    # The package's file list expects them here.
    packed=target/$target/release/passwave
    [[ $program -ef $packed ]] || install -Dm755 "$program" "$packed"
    rm -rf target/debian-files
    cp -R "$place" target/debian-files
    cargo deb --no-build --no-strip --target "$target" --output dist/
fi
