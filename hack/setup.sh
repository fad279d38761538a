#!/bin/sh
# Make this machine ready to build and test: the few programs that come from the
# system's packages, and the Go tools of hack/tools and hack/actionlint in out/bin. What
# is there is left alone, so running it again costs nothing. Arguments are further programs to
# have: dockerd, and what hack/moby.sh needs.
set -eu

cd "$(dirname "$0")/.."

bin=out/bin

# have PROGRAM: is it on PATH, or where administrators' programs are? Headers of a C library
# count as programs.
have() {
    if [ "$1" = libseccomp ]; then
        pkg-config --exists libseccomp 2>/dev/null
        return
    fi
    command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/usr/local/sbin/$1" ]
}

# package_of PROGRAM: Debian's package that has it, mostly of its name.
package_of() {
    case $1 in
    dockerd) echo docker.io ;;
    gcc) echo gcc libc6-dev ;;
    libseccomp) echo libseccomp-dev ;;
    newuidmap) echo uidmap ;;
    *) echo "$1" ;;
    esac
}

# install_packages PROGRAM…: from the system's packages, where a program is missing.
install_packages() {
    missing=
    # Who is not root needs it to be that of a user namespace: see hack/as-root.sh.
    [ "$(id -u)" -eq 0 ] || set -- newuidmap "$@"
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
        # Where a registry can be reached, its image is better than the stand-in.
        hack/online.sh || :
    fi
}

# one_at_a_time: wait for another that makes the same in this clone.
one_at_a_time() {
    mkdir -p out
    exec 9>out/.setup
    ! have flock || flock 9
}

if ! have go; then
    echo "setup: Go is missing: see https://go.dev/doc/install" >&2
    exit 1
fi
one_at_a_time
install_packages "$@"
install_qemu
build_tools hack/tools
build_tools hack/actionlint # apart: it needs another version of a library than these
base_image
echo "setup: ready"
