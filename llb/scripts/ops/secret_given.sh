#!/bin/sh
# Usage: secret_given.sh KEY ID FILE [WHAT FOR...]
#
# Fails if a build secret that a key of the spec names is not there, or is empty.
set -eu

key=$1 id=$2 file=$3
[ -e "$file" ] || state=missing
[ -s "$file" ] || {
    printf '\n%s: the build secret %s is %s: build with --secret id=%s,src=FILE\n' "$key" "$id" "${state:-empty}" "$id" >&2
    exit 1
}
