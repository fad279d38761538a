#!/bin/sh
# Usage: packages.sh PACKAGE...
#
# Adds PACKAGEs, their scripts and triggers run, to the root in $BUILD_ROOT.
set -eu

ops=${0%/*}
# shellcheck source=llb/scripts/ops/apk-configuration.sh
. "$ops/apk-configuration.sh"
"$ops/../bin/chroot-apk" add "$@"
