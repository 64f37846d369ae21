#!/bin/bash
# provider.sh DIRECTORY: builds what stands for Terraform's AWS provider when tofu judges the modules: the program of
# test/deploy/provider, and the packages that schema.py reads schemas from. All are kept until their versions change. Prints
# a line for each package: the version of the provider that it was made from, and its path.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
directory=$(realpath -m "${1:?where to}")
package=@cdktf/provider-aws

fail()
{
    printf 'provider.sh: %s\n' "$1" >&2
    exit 1
}

# fetch VERSION DIGEST: the package, into $directory
fetch()
{
    local work
    command -v npm >/dev/null || fail 'npm is missing: please install Node.js with npm'
    work=$(mktemp -d)
    (cd "$work" && npm pack --silent --ignore-scripts "$package@$1" >/dev/null) || fail "npm could not fetch $package $1"
    sha512sum "$work"/*.tgz | grep -q "^$2 " || fail "$package $1 is not the one that it was"
    mv "$work"/*.tgz "$directory/provider-aws-$1.tgz"
    rmdir "$work"
}

mkdir -p "$directory"
exec {lock}>"$directory.lock"
flock "$lock"
while read -r provider version digest; do
    [[ -e $directory/provider-aws-$version.tgz ]] || fetch "$version" "$digest" </dev/null
    printf '%s %s\n' "$provider" "$directory/provider-aws-$version.tgz"
done <<'END'
5.31.0 19.0.0 eb3fabc1e0963078316c60b66bcc2950ce2e1f33e8c1b84e3d91d0977a4f17b7c79c3849921a05c122d9c82e170d38e9797f76db6d9e9ecf750e6407079fb12e
6.25.0 21.22.1 06e48779a40550bf65df7a41cc83114fb71343af4033698bb628e3b5e08f8554119afba1ba3f4bbdfca67fb92700c858a804faf8bae5b3d8e21955bf52cdf3ad
END
command -v go >/dev/null || fail 'go is missing: Debian 12 has one that is too old, so please install Go 1.26 or later'
cd "$here/../deploy/provider"
# Go's own cache knows whether there is anything to do
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$directory/terraform-provider-aws" . >&2
