#!/bin/sh
# Usage: packages.sh PACKAGE...
#
# Adds PACKAGEs, their scripts and triggers run, to the root in $BUILD_ROOT.
#
# $FOREIGN_PLATFORM is set if that is for another platform, which the daemon does not
# emulate: then it is an error if a PACKAGE needs a script to run.
set -eu

ops=${0%/*}
# shellcheck source=llb/scripts/ops/apk-configuration.sh
. "$ops/apk-configuration.sh"
if [ -z "${FOREIGN_PLATFORM-}" ]; then
    exec "$ops/../bin/chroot-apk" add "$@"
fi
before=$(mktemp -d)
mkdir -p "$before/lib/apk"
cp -r "$BUILD_ROOT/lib/apk/db" "$before/lib/apk/db"
"$ops/foreign-apk.sh" add "$@"
python "$ops/scripts_due.py" "$before" "$BUILD_ROOT" "$FOREIGN_PLATFORM"
