#!/bin/sh
# Usage: foreign-apk.sh ARG...
#
# Runs `apk ARG...` on the root in $BUILD_ROOT, which is for another platform than the
# one this runs on: that of the image at $BASE_DIR. Nothing of the root is executed, so
# packages are installed without their scripts. See apk-configuration.sh for the rest.
set -eu

exec "${0%/*}/../bin/chroot-apk" --arch "$(cat "$BASE_DIR/etc/apk/arch")" --no-scripts "$@"
