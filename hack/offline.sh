#!/bin/sh
# Make out/offline: a base image, packages and wheels for the tests, and a Go image,
# where neither a container registry nor fixtures can be reached. It is made of
# packages of the Debian archive: see hack/offline. What is there and made from the
# same inputs is left alone. Arguments go to hack/offline, such as -arch amd64,arm64.
set -eu

cd "$(dirname "$0")/.."

source=hack/offline
out=out/offline
stamp=$out/.inputs

# fingerprint: what it is made from, and with. The Debian archive is no part of it:
# a newer package there is no reason to make all of this again.
fingerprint() {
    find "$source" -type f \( -name '*.go' -o -name 'go.*' \) | LC_ALL=C sort | xargs cksum
    grep '^ARG' Dockerfile.frontend
    go env GOVERSION GOARCH
    echo "$@"
}

wanted=$(fingerprint "$@")
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi
for program in go apt-get; do
    if ! command -v "$program" >/dev/null 2>&1; then
        echo "offline: $program is missing: out/offline can be made on Debian and its like, with Go" >&2
        exit 1
    fi
done
echo "offline: making $out (a minute, the first time)"
go -C "$source" run . -o "$PWD/$out" -cache "$PWD/out/.offline" "$@"
echo "$wanted" >"$stamp"
echo "offline: ready: $out, $(du -sh "$out" | cut -f1)"
