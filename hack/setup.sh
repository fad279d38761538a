#!/bin/sh
# Make this machine ready to build and test: the few programs that come from the
# system's packages, and the Go tools of hack/tools in out/bin. What is there is
# left alone, so running it again costs nothing. Arguments are further programs to
# have: dockerd.
set -eu

cd "$(dirname "$0")/.."

tools=hack/tools
bin=out/bin
stamp=$bin/.tools

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
    for program in git runc shellcheck "$@"; do
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

# install_qemu: the emulator that tests run images for the other platform with. Of Debian's package
# only the program is taken: installing that may register it as a handler of binfmt_misc, and then
# every daemon of this machine emulates.
install_qemu() {
    case $(uname -m) in
    x86_64) program=qemu-aarch64-static ;;
    aarch64) program=qemu-x86_64-static ;;
    *) return 0 ;;
    esac
    if have "$program" || [ -x "$bin/$program" ]; then
        return 0
    fi
    if have apt-get && have dpkg-deb; then
        echo "setup: fetching $program"
        mkdir -p "$bin"
        if extract_qemu "$program"; then
            return 0
        fi
    fi
    echo "setup: missing: $program (Debian: in qemu-user-static). Put it into $bin." >&2
    echo "setup: until then, the tests that run images for another platform are skipped." >&2
}

# extract_qemu PROGRAM: from Debian's package into $bin.
extract_qemu() (
    download=$(mktemp -d) || exit
    trap 'rm -rf "$download"' EXIT
    # apt's own user writes there.
    chmod 755 "$download"
    fetch="apt-get -q -o APT::Sandbox::User=$(id -un) download qemu-user-static"
    # Without lists of packages, as a new container is, apt knows of none.
    (cd "$download" && { $fetch || { apt-get update -q && $fetch; }; }) || exit
    dpkg-deb --fsys-tarfile "$download"/*.deb | tar -xf - -C "$download" "./usr/bin/$1" || exit
    mv "$download/usr/bin/$1" "$bin/$1"
)

# fingerprint: what the tools are built from, and with.
fingerprint() {
    cksum "$tools/go.mod" "$tools/go.sum"
    go env GOVERSION GOOS GOARCH
}

build_tools() {
    wanted=$(fingerprint)
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
install_qemu
build_tools
base_image
echo "setup: ready"
