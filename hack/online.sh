#!/bin/sh
# Make out/online, a base image and packages for the tests, of a container registry and an
# Alpine mirror, where they can be reached: see hack/offline/internal/online. What is there
# and made from the same inputs is left alone. What came of it is in out/.online, a line that
# `make test` ends with.
#
# DISTROLESS_UPSTREAM_REGISTRY (docker.io) and DISTROLESS_UPSTREAM_ALPINE
# (https://dl-cdn.alpinelinux.org/alpine) name mirrors of these. An argument is the folder to
# make in place of out/online.
set -eu

cd "$(dirname "$0")/.."

out=${1:-out/online}
registry=${DISTROLESS_UPSTREAM_REGISTRY:-docker.io}
alpine=${DISTROLESS_UPSTREAM_ALPINE:-https://dl-cdn.alpinelinux.org/alpine}
stamp=$out/.inputs
wanted="$registry $alpine $(cksum <out/offline/.inputs)"

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi
if problem=$(go -C hack/offline run ./cmd/online -o "$(realpath -m "$out")" -registry "$registry" -alpine "$alpine" 2>&1); then
    echo "$wanted" >"$stamp"
    rm -f out/.online
    echo "online: ready: $out, made of $registry and $alpine"
else
    reason=$(printf '%s\n' "$problem" | sed -n 's/^online: //p')
    echo "$registry: ${reason:-$problem}" >out/.online
    echo "online: no base image of $(cat out/.online)" >&2
    exit 1
fi
