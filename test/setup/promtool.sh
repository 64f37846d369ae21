#!/bin/bash
# promtool.sh [DIRECTORY]: puts promtool, which knows what Prometheus takes, into the directory (build/tools by default). It is
# unpacked from Debian's package prometheus, which is not installed: that would start a service. With it there the script says
# nothing and ends at once. Two runs at the same time are fine: the second waits for the first.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tools=$(realpath -m "${1:-$here/../../build/tools}")
promtool=$tools/promtool

fail()
{
    printf 'promtool.sh: %s\n' "$1" >&2
    exit 1
}

ready()
{
    [[ -x $promtool ]] || command -v promtool >/dev/null
}

# The lists of packages may be old, or not there: only then are they fetched.
download()
{
    local -a as_root=()

    ! apt-get download -qq prometheus >/dev/null 2>&1 || return 0
    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail "root is needed, and there is no sudo, for apt-get update"
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get update -qq >&2 || fail "the package lists could not be fetched (apt-get update)"
    apt-get download -qq prometheus >/dev/null || fail "apt-get could not download the package prometheus"
}

! ready || exit 0
if ! command -v apt-get >/dev/null || ! command -v dpkg >/dev/null; then
    fail "this system is not a Debian; please put promtool, which comes with Prometheus, into PATH"
fi

mkdir -p "$tools"
exec {lock}>"$tools/promtool.lock"
flock "$lock"
! ready || exit 0

printf 'promtool.sh: unpacking %s\n' "$promtool" >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
download
dpkg -x prometheus_*.deb unpacked
# beside its place first: whoever looks finds all of it or nothing
cp unpacked/usr/bin/promtool "$promtool.new"
mv "$promtool.new" "$promtool"
