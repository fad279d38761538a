#!/bin/sh
# Usage: libraries.sh REPORT so:NAME...
#
# Adds packages that have the shared libraries NAME to the root in $BUILD_ROOT, as
# packages.sh does. REPORT, by libraries.py, says which files need them: if no
# repository has one, the error names these.
set -eu

ops=${0%/*}
report=$1
shift
log=$(mktemp)
status=$(mktemp)
{ "$ops/packages.sh" "$@" || echo "$?" >"$status"; } 2>&1 | tee "$log"
if [ -s "$status" ]; then
    python "$ops/libraries_absent.py" "$report" "$log"
    exit "$(cat "$status")"
fi
