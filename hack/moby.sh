#!/bin/sh
# Build a current Docker Engine (Moby, containerd and runc) of the modules in hack/moby into
# out/bin/moby, for the tests on engines. What is there of the same sources is left alone.
# It takes minutes the first time. Where runc cannot be compiled it says why, and builds nothing:
# `hack/setup.sh gcc pkg-config libseccomp` installs what that needs.
set -eu

cd "$(dirname "$0")/.."

modules=hack/moby
bin=out/bin/moby
stamp=$bin/.built

# fingerprint: what the engine is built from, and with.
fingerprint() {
    cksum "$modules"/*/go.mod "$modules"/*/go.sum hack/moby.sh
    go env GOVERSION GOOS GOARCH
}

# build MODULE [OPTION…]: the programs that a module names as its tools.
build() {
    module=$1
    shift
    echo "moby: building $module"
    go -C "$modules/$module" build -trimpath "$@" -o "$PWD/$bin/" tool
}

if ! command -v gcc >/dev/null 2>&1 || ! pkg-config --exists libseccomp 2>/dev/null; then
    echo "moby: not built: runc needs gcc, pkg-config and libseccomp's headers (Debian: apt-get install gcc libc6-dev pkg-config libseccomp-dev)" >&2
    exit 1
fi
wanted=$(fingerprint)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi
rm -rf "$bin" # so that half an engine is none
mkdir -p "$bin"
version=$(go -C "$modules/dockerd" list -m -f '{{.Version}}' github.com/moby/moby/v2)
# containerd's plugins for Kubernetes and for file systems that the engine does not use are
# most of what it would compile.
CGO_ENABLED=0 build containerd -ldflags "-s -w" -tags no_cri,no_btrfs,no_devmapper,no_zfs
CGO_ENABLED=0 build dockerd -ldflags "-s -w -X github.com/moby/moby/v2/dockerversion.Version=${version#v}"
CGO_ENABLED=1 build runc -ldflags "-s -w" -tags seccomp
echo "$wanted" >"$stamp"
