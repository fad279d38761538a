#!/bin/sh
# Usage: root.sh BASE NATIVE PACKAGE...
#
# Makes the distroless root in $BUILD_ROOT: the PACKAGEs, what the interpreter of
# the image at BASE needs at run time, and the user nonroot. Nothing in it is
# specific to one spec, so all specs of a base share it.
#
# For another platform than the one this runs on, NATIVE is the root that this made
# for that one. Else it is empty.
set -eu

ops=${0%/*}
base=$1
native=$2
shift 2

# The official images keep what they found the interpreter to be linked with as
# the dependencies of a virtual package. Installing these by themselves leaves
# no package in the root that has no files.
rundeps() {
    sed -n '/^P:\.python-rundeps$/,/^$/s/^D://p' "$base/lib/apk/db/installed"
}

needed() {
    for dep; do
        soname=${dep#so:}
        if [ -z "${UNNEEDED-}" ] || ! grep -qxF "${soname%%[<>=~]*}" "$UNNEEDED"; then
            echo "$dep"
        fi
    done
}

# 65532 is nonroot in other distroless images too, so volumes can move over.
add_nonroot() {
    echo 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >>"$BUILD_ROOT/etc/passwd"
    echo 'nonroot:x:65532:' >>"$BUILD_ROOT/etc/group"
    echo 'nonroot:!::0:::::' >>"$BUILD_ROOT/etc/shadow"
    mkdir -m 0700 "$BUILD_ROOT/home/nonroot"
    chown 65532:65532 "$BUILD_ROOT/home/nonroot"
}

# shellcheck source=llb/scripts/ops/apk-configuration.sh
. "$ops/apk-configuration.sh"
deps=$(rundeps)
if [ -z "$deps" ]; then
    echo "the base image has no package .python-rundeps, which says what Python is linked with:" >&2
    echo "name an official python:X.Y-alpineA.B image, or one made from it" >&2
    exit 1
fi
# shellcheck disable=SC2086 # one word for each dependency is what is wanted
deps=$(needed $deps)
if [ -z "$native" ]; then
    # shellcheck disable=SC2086
    "$ops/../bin/chroot-apk" add --initdb "$@" $deps
    add_nonroot
else
    # shellcheck disable=SC2086
    "$ops/foreign-apk.sh" add --initdb "$@" $deps
    python "$ops/script_results.py" "$native" "$BUILD_ROOT"
fi
