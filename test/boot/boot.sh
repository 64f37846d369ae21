#!/bin/bash
# boot.sh tree                  makes the Debian that is booted, where it is not there yet
# boot.sh check BUILD VERSION   builds the package, and one before it, and boots a machine that gets both: test_boot.py
#
# Where no machine can be booted it says "skipped: ...", and why, and that is all.
#
# DESIGN: a machine is a process of systemd-nspawn's, in namespaces of this run's. Their first process is pytest, and with it all
# others end and all mounts are gone, whatever ended it; and it is killed when this script ends.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
suite=bookworm
# What the package depends on, an init, and logrotate. Where something is missing the package can't be installed.
packages=systemd,systemd-sysv,dbus,ca-certificates,logrotate,procps,libconfig9,libcurl4,libjansson4,libssl3,libsystemd0
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/orderd
tree=$cache/boot-$(sha256sum <<<"$suite $packages" | cut -c 1-12)
enclosed=(setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc)

# The control groups of this process that systemd would use: one, or two in the older layout.
own_groups()
{
    local controllers path unified=/sys/fs/cgroup
    [[ ! -d $unified/unified ]] || unified=$unified/unified
    while IFS=: read -r _ controllers path; do
        case $controllers in
        '') printf '%s\n' "$unified${path%/}" ;;
        name=systemd) printf '%s\n' "/sys/fs/cgroup/systemd${path%/}" ;;
        esac
    done </proc/self/cgroup
}

# Says what stands in the way of a boot; nothing where it can be done.
obstacle()
{
    local group said

    if ((EUID != 0)); then
        echo 'it takes root'
        return
    fi
    if ! grep -qx "VERSION_CODENAME=$suite" /etc/os-release; then
        echo "it takes programs that were built on Debian $suite"
        return
    fi
    # The machine's systemd could not make namespaces for its services.
    if ischroot; then
        echo 'this is a chroot'
        return
    fi
    while read -r group; do
        if [[ ! -w $group/cgroup.procs ]]; then
            echo "$group can't be written to"
            return
        fi
    done < <(own_groups)
    # A device node, as debootstrap makes them; layers, as the machine has them.
    said=$("${enclosed[@]}" bash -ec 'mount -t tmpfs tmpfs /mnt && cd /mnt && mkdir lower upper work root && mknod null c 1 3 &&
        : >null && mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work root' 2>&1) || echo "$said"
}

# As apt's sources have it: a machine may have been told to use another one.
mirror()
{
    # shellcheck disable=SC2016
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $suite" 2>/dev/null | head -n 1
}

# Two runs at the same time are fine: the second waits for the first.
make_tree()
{
    "$top/test/setup/packages.sh" boot
    [[ ! -d $tree ]] || return 0
    mkdir -p "$cache"
    exec {lock}>"$cache/boot.lock"
    flock "$lock"
    [[ ! -d $tree ]] || return 0

    printf 'boot.sh: making %s\n' "$tree" >&2
    rm -rf "$tree.new"
    if ! "${enclosed[@]}" debootstrap --variant=minbase --include="$packages" "$suite" "$tree.new" "$(mirror)" \
        >"$tree.log" 2>&1; then
        tail -n 20 "$tree.log" >&2
        exit 1
    fi
    rm -f "$tree.new"/var/cache/apt/archives/*.deb "$tree.new/etc/machine-id"
    # beside its place first: whoever looks finds all of it or nothing
    mv "$tree.new" "$tree"
}

# Builds what an upgrade begins with: the last release, or before the first one what is here, with a lower version.
# Its settings have a line that the newer package's do not have, so that dpkg has something to decide.
make_older()
{
    local into=$1 version=$2 tag root=$1/deb/root

    tag=$(git -C "$top" tag --merged HEAD --sort=-v:refname --list 'v*' 2>/dev/null | grep -vxF "v$version" | head -n 1) || true
    if [[ -z $tag ]]; then
        make -s -C "$top" B="$into" VERSION=0.0.9 deb
    else
        rm -rf "$into"
        mkdir -p "$into/source"
        git -C "$top" archive "$tag" | tar -x -C "$into/source"
        make -s -C "$into/source" B="$into" VERSION="${tag#v}" deb
    fi
    tee -a "$root/etc/orderd/orderd.conf" "$root/etc/logrotate.d/orderd" <<<'# older' >/dev/null
    dpkg-deb --root-owner-group -Znone --build "$root" "$(echo "$into"/orderd_*.deb)" >/dev/null
}

child=
groups=()
# With the first process of a namespace all of them are over before unshare is.
tear_down()
{
    [[ -z $child ]] || { pkill -KILL -P "$child" || kill -KILL "$child"; } 2>/dev/null || true
    wait
    ((${#groups[@]} == 0)) || find "${groups[@]}" -depth -type d -exec rmdir {} +
}

# run DIRECTORY OLDER NEWER: the tests, with a machine that is put together in a directory, where only they see it.
# nspawn makes the machine's control groups in the one that it is in: two machines must not be in the same.
run()
{
    local group

    mapfile -t groups < <(own_groups)
    groups=("${groups[@]/%//orderd-boot-$$}")
    mkdir -p "$1" "${groups[@]}"
    (
        for group in "${groups[@]}"; do
            echo "$BASHPID" >"$group/cgroup.procs"
        done
        cd "$top"
        exec "${enclosed[@]}" build/venv/bin/pytest -c "$here/pytest.ini" --rootdir . \
            --tree "$tree" --directory "$1" --older "$2" --newer "$3" test/boot
    ) &
    child=$!
    wait "$child"
}

check()
{
    local build version=$2
    build=$(realpath -m "$1")

    make -s -C "$top" B="$build" VERSION="$version" deb
    make_older "$build/older" "$version"
    "$top/test/setup/python.sh"
    make_tree
    run "$build/boot" "$(echo "$build"/older/orderd_*.deb)" "$(echo "$build/orderd_$version"_*.deb)"
}

trap tear_down EXIT
why=$(obstacle)
if [[ -n $why ]]; then
    printf 'skipped: no machine can be booted here: %s\n' "$why"
    exit 0
fi
case ${1:-} in
tree) make_tree ;;
check) check "$2" "$3" ;;
*)
    sed -n '2,3s/^# //p' "${BASH_SOURCE[0]}" >&2
    exit 64
    ;;
esac
