#!/bin/sh
# Usage: packages.sh PACKAGE...
#
# Adds PACKAGEs, their scripts and triggers run, to the root in $BUILD_ROOT.
set -eu

ops=${0%/*}
# shellcheck source=llb/scripts/ops/apk-configuration.sh
. "$ops/apk-configuration.sh"
"$ops/../bin/chroot-apk" add "$@"

# Scripts that add users write the day they run into shadow, as the day of the
# last change of password, and keep the files from before. Nobody has a password
# here, and the image must be the same tomorrow.
cd "$BUILD_ROOT/etc"
sed -i 's/^\([^:]*:[^:]*\):[0-9][0-9]*:/\1::/' shadow
rm -f passwd- shadow- group- gshadow-
