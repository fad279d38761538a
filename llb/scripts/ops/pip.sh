#!/bin/sh
# Usage: pip.sh ARG...
#
# Runs `pip install ARG...` into the root in $BUILD_ROOT, which is empty but for
# this, and adds bytecode. The arguments name files relative to the folder it
# runs in.
set -eu

ops=${0%/*}
"$ops/../bin/chroot-pip" install "$@"
exec python "$ops/site_packages.py" "$BUILD_ROOT"
