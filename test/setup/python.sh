#!/bin/bash
# python.sh [DIRECTORY [LIST]]: makes the virtual environment of the tests (build/venv by default) from the list of packages
# beside this file (requirements.txt by default). It is made again only when the list has changed; otherwise the script ends at
# once. Two runs at the same time are fine: the second waits for the first.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=$(realpath -m "${1:-$here/../../build/venv}")
wanted=$here/${2:-requirements.txt}
stamp=$venv/installed.txt

# The path belongs to it: an environment that was moved with its tree still points to the old place.
content()
{
    printf '# %s\n' "$venv"
    cat "$wanted"
}

ready()
{
    [[ -x $venv/bin/python ]] && content | cmp -s - "$stamp"
}

! ready || exit 0

mkdir -p "$(dirname "$venv")"
exec {lock}>"$venv.lock"
flock "$lock"
! ready || exit 0

printf 'python.sh: making %s\n' "$venv" >&2
rm -rf "$venv"
"${PYTHON:-python3}" -m venv "$venv"
# The list is complete (--no-deps), and every package on it comes ready-made, so no compiler or header is needed.
"$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --only-binary=:all: --no-deps -r "$wanted" >&2
"$venv/bin/python" -m pip check --disable-pip-version-check >&2
content >"$stamp"
