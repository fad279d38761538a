#!/bin/sh
# Usage: settled.sh DIR COMMAND ARG...
#
# Runs the command, then sets the time of everything it wrote below DIR to the
# epoch, so that the layer DIR ends in has the same digest whenever it is built.
# That is in 1980, before which a zip can have no date, by a day for what is west
# of Greenwich: programs put files of their image into zips.
# What an earlier op settled is at the epoch already and is not touched: touching
# it would copy it into this op's layer.
set -eu

dir=$1
shift
"$@"

time=315619200 # 1980-01-02
epoch=$(mktemp)
trap 'rm -f "$epoch"' EXIT
touch -d "@$time" "$epoch"
find "$dir" -newer "$epoch" -exec touch -hcd "@$time" {} +
