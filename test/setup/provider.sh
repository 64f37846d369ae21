#!/bin/bash
# provider.sh DIRECTORY: builds what stands for Terraform's AWS provider when tofu judges the modules: the program of
# test/deploy/provider, and the package that schema.py reads its schema from. Both are kept until their versions change.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
directory=$(realpath -m "${1:?where to}")
package=@cdktf/provider-aws
version=21.22.1
digest=06e48779a40550bf65df7a41cc83114fb71343af4033698bb628e3b5e08f8554119afba1ba3f4bbdfca67fb92700c858a804faf8bae5b3d8e21955bf52cdf3ad
tarball=$directory/provider-aws-$version.tgz

fail()
{
    printf 'provider.sh: %s\n' "$1" >&2
    exit 1
}

mkdir -p "$directory"
exec {lock}>"$directory.lock"
flock "$lock"
if [[ ! -e $tarball ]]; then
    command -v npm >/dev/null || fail 'npm is missing: please install Node.js with npm'
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    (cd "$work" && npm pack --silent --ignore-scripts "$package@$version" >/dev/null) || fail "npm could not fetch $package $version"
    sha512sum "$work"/*.tgz | grep -q "^$digest " || fail "$package $version is not the one that it was"
    mv "$work"/*.tgz "$tarball"
fi
command -v go >/dev/null || fail 'go is missing: Debian 12 has one that is too old, so please install Go 1.26 or later'
cd "$here/../deploy/provider"
# Go's own cache knows whether there is anything to do
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$directory/terraform-provider-aws" . >&2
printf '%s\n' "$tarball"
