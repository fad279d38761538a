#!/bin/sh
# Make this machine ready to build and test: the few programs that come from the
# system's packages, and the Go tools of hack/tools and hack/actionlint in out/bin. What
# is there is left alone, so running it again costs nothing. Arguments are further programs to
# have: dockerd.
set -eu

cd "$(dirname "$0")/.."

bin=out/bin

# have PROGRAM: is it on PATH, or where administrators' programs are?
have() {
    command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/usr/local/sbin/$1" ]
}

# package_of PROGRAM: Debian's package that has it, mostly of its name.
package_of() {
    case $1 in
    dockerd) echo docker.io ;;
    *) echo "$1" ;;
    esac
}

# install_packages PROGRAM…: from the system's packages, where a program is missing.
install_packages() {
    missing=
    for program in git jq runc shellcheck "$@"; do
        have "$program" || missing="$missing $(package_of "$program")"
    done
    [ -n "$missing" ] || return 0

    if [ "$(id -u)" -eq 0 ] && have apt-get; then
        echo "setup: installing$missing"
        # shellcheck disable=SC2086 # a list of words
        if apt-get update -q && DEBIAN_FRONTEND=noninteractive \
            apt-get install -q -y --no-install-recommends $missing; then
            return 0
        fi
    fi
    echo "setup: missing:$missing. Install with your system's packages (Debian: apt-get install$missing)." >&2
    echo "setup: until then, the checks and tests that need them are skipped." >&2
}

# fingerprint MODULE: what its tools are built from, and with.
fingerprint() {
    cksum "$1/go.mod" "$1/go.sum"
    go env GOVERSION GOOS GOARCH
}

# build_tools MODULE: the tools that its go.mod lists.
build_tools() {
    tools=$1
    stamp=$bin/.${tools##*/}
    wanted=$(fingerprint "$tools")
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
        return 0
    fi
    echo "setup: building the tools of $tools (minutes, the first time)"
    mkdir -p "$bin"
    rm -f "$stamp"
    go -C "$tools" build -trimpath -o "$PWD/$bin/" tool
    echo "$wanted" >"$stamp"
}

# base_image: what the tests build on, where the real one is not there.
base_image() {
    if [ -z "${DISTROLESS_FIXTURES-}" ] && [ ! -d ../shared/fixtures ]; then
        hack/offline.sh
    fi
}

if ! have go; then
    echo "setup: Go is missing: see https://go.dev/doc/install" >&2
    exit 1
fi
install_packages "$@"
build_tools hack/tools
build_tools hack/actionlint # apart: it needs another version of a library than these
base_image
echo "setup: ready"
