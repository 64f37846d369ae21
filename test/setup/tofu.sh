#!/bin/bash
# tofu.sh: prints the path of OpenTofu, which it builds from its Go module when it is not in the cache yet. No package of Debian
# has it. The binary lies outside the tree, under its version, in ${XDG_CACHE_HOME:-~/.cache}/orderd. Two runs at the same time
# are fine: the second waits for the first.
#
# `go install` refuses the module, as its go.mod has a replace directive, so its source is copied out of the module cache. What
# is left out there are state backends and key providers that nobody here uses: half of the time that it takes to compile.
set -euo pipefail

version=1.12.6
sum=h1:0VT4P8pMmGcCUnQ9JDrJ+Qg2d35Vzm4FFd/9+H7oF98=
cache=${XDG_CACHE_HOME:-$HOME/.cache}/orderd
tofu=$cache/tofu-$version

fail()
{
    printf 'tofu.sh: %s\n' "$1" >&2
    exit 1
}

field()
{
    python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1" <<<"$module"
}

leave_out_backends()
{
    sed -i -E '/backend(Azure|Consul|Cos|GCS|Kubernetes|OSS|Pg)( "|\.New)/d' "$1"
}

leave_out_key_providers()
{
    sed -i -E '/keyprovider\/(azure_vault|gcp_kms|openbao)"/d
               /RegisterKeyProvider\((azure_vault|gcp_kms|openbao)\./,+2d' "$1"
}

if [[ ! -x $tofu ]]; then
    command -v go >/dev/null || fail 'go is missing: Debian 12 has one that is too old, so please install Go 1.26 or later'
    mkdir -p "$cache"
    exec {lock}>"$cache/tofu.lock"
    flock "$lock"
fi
if [[ ! -x $tofu ]]; then
    began=$SECONDS
    module=$(cd / && go mod download -json "github.com/opentofu/opentofu@v$version") ||
        fail "the module of OpenTofu $version could not be fetched: $module"
    [[ $(field Sum) == "$sum" ]] || fail "the module of OpenTofu $version is not the one that it was: $(field Sum)"
    work=$(mktemp -d)
    trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
    cp -r "$(field Dir)/." "$work"
    chmod -R u+w "$work"
    cd "$work"
    leave_out_backends internal/backend/init/init.go
    leave_out_key_providers internal/encryption/default_registry.go
    printf 'tofu.sh: building OpenTofu %s; it takes some minutes, once\n' "$version" >&2
    CGO_ENABLED=0 nice go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$tofu.new" ./cmd/tofu >&2
    mv "$tofu.new" "$tofu"
    printf 'tofu.sh: built in %d s\n' "$((SECONDS - began))" >&2
fi
printf '%s\n' "$tofu"
