#!/bin/sh
# Usage: settled.sh DIR COMMAND ARG...
#
# Runs the command, then sets the time of everything it wrote below DIR to the
# epoch, so that the layer DIR ends in has the same digest whenever it is built.
# What an earlier op settled is at the epoch already and is not touched: touching
# it would copy it into this op's layer.
set -eu

dir=$1
shift
"$@"

epoch=$(mktemp)
trap 'rm -f "$epoch"' EXIT
touch -d @0 "$epoch"
find "$dir" -newer "$epoch" -exec touch -hcd @0 {} +
