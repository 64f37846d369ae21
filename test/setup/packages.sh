#!/bin/bash
# packages.sh GROUP...: installs the system packages that the named groups need and that are missing.
#
#   build   what `make` needs
#   test    what `make check` and `make demo` need beside that
#   lint    what `make lint` and a build with clang need beside that
#   fuzz    what `make fuzz` needs
#   package what `make deb`, `make rpm` and `make check-package` need beside build
#   boot    what `make check-boot` needs
#
# With everything there it says nothing and ends at once. It knows how to install on Debian 12 and its relatives, as root or
# through sudo; elsewhere it names what is missing and stops.
set -euo pipefail

# Debian's name | Fedora's name, as a hint to people elsewhere | how to see that it is there without dpkg
build_packages='
gcc                   | gcc                  | command -v gcc
make                  | make                 | command -v make
pkg-config            | pkgconf-pkg-config   | command -v pkg-config
libc6-dev             | glibc-devel          | test -e /usr/include/pthread.h
libcurl4-openssl-dev  | libcurl-devel        | pkg-config --exists libcurl
libssl-dev            | openssl-devel        | pkg-config --exists libcrypto
libjansson-dev        | jansson-devel        | pkg-config --exists jansson
libconfig-dev         | libconfig-devel      | pkg-config --exists libconfig
libsystemd-dev        | systemd-devel        | pkg-config --exists libsystemd
ca-certificates       | ca-certificates      | test -d /etc/ssl/certs
'
test_packages='
check                 | check-devel          | pkg-config --exists check
python3               | python3              | command -v python3
python3-venv          | python3              | python3 -c "import ensurepip, venv"
openssl               | openssl              | command -v openssl
valgrind              | valgrind             | command -v valgrind
procps                | procps-ng            | command -v ps
'
lint_packages='
clang                 | clang                | command -v clang
clang-format          | clang-tools-extra    | command -v clang-format
clang-tidy            | clang-tools-extra    | command -v clang-tidy
cppcheck              | cppcheck             | command -v cppcheck
shellcheck            | ShellCheck           | command -v shellcheck
mandoc                | mandoc               | command -v mandoc
git                   | git                  | command -v git
libclang-rt-14-dev    | compiler-rt          | clang -fsanitize=address -x c /dev/null -c -o /dev/null
'
fuzz_packages='
clang                 | clang                | command -v clang
libclang-rt-14-dev    | compiler-rt          | clang -fsanitize=address -x c /dev/null -c -o /dev/null
'
boot_packages='
debootstrap           | debootstrap          | command -v debootstrap
systemd-container     | systemd-container    | command -v systemd-nspawn
util-linux            | util-linux           | command -v unshare
'
package_packages='
git                   | git                  | command -v git
dpkg-dev              | dpkg-dev             | command -v dpkg-shlibdeps
lintian               | lintian              | command -v lintian
rpm                   | rpm-build            | command -v rpmbuild
rpmlint               | rpmlint              | command -v rpmlint
systemd               | systemd              | command -v systemd-analyze
logrotate             | logrotate            | command -v logrotate
python3-jsonschema    | python3-jsonschema   | /usr/bin/python3 -c "import jsonschema"
'

fail()
{
    printf 'packages.sh: %s\n' "$1" >&2
    exit 1
}

wanted()
{
    local group
    for group in "$@"; do
        case $group in
        build) printf '%s' "$build_packages" ;;
        test) printf '%s' "$test_packages" ;;
        lint) printf '%s' "$lint_packages" ;;
        fuzz) printf '%s' "$fuzz_packages" ;;
        package) printf '%s' "$package_packages" ;;
        boot) printf '%s' "$boot_packages" ;;
        *) fail "unknown group '$group'; the groups are build, test, lint, fuzz, boot and package" ;;
        esac
    done
}

trim()
{
    local text=${1#"${1%%[![:space:]]*}"}
    printf '%s\n' "${text%"${text##*[![:space:]]}"}"
}

install_on_debian()
{
    local -a names=() missing=() as_root=()
    local name state
    local -A there=()

    while IFS='|' read -r name _ _; do
        [[ -z ${name// /} ]] || names+=("$(trim "$name")")
    done <<<"$table"
    while read -r state name; do
        [[ $state != installed ]] || there[$name]=1
    done < <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${names[@]}" 2>/dev/null || true)
    for name in "${names[@]}"; do
        [[ -n ${there[$name]:-} ]] || missing+=("$name")
    done
    ((${#missing[@]})) || return 0

    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail "root is needed, and there is no sudo, to install: ${missing[*]}"
        as_root=(sudo --preserve-env=DEBIAN_FRONTEND)
    fi
    printf 'packages.sh: installing %s\n' "${missing[*]}" >&2
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get update -qq >&2 || fail "the package lists could not be fetched (apt-get update)"
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" </dev/null >&2 ||
        fail "apt-get could not install: ${missing[*]}"
}

explain_elsewhere()
{
    local debian fedora probe report=''

    while IFS='|' read -r debian fedora probe; do
        [[ -n ${debian// /} ]] || continue
        bash -c "$probe" >/dev/null 2>&1 ||
            report+=$(printf '  %-22s (Fedora, Amazon Linux: %s)' "$(trim "$debian")" "$(trim "$fedora")")$'\n'
    done <<<"$table"
    [[ -n $report ]] || return 0
    printf 'packages.sh: this system is not a Debian; please install what these packages hold:\n%s' "$report" >&2
    exit 1
}

(($#)) || fail 'which group? build, test, lint, fuzz, boot or package'
table=$(wanted "$@")
if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    install_on_debian
else
    explain_elsewhere
fi
