#!/bin/sh
# What `make test` does: one step after another, as the slow ones use all cores, and what ran.
# The results are in a folder of this run's own, as another may be under way.
#
#   hack/test.sh FOLDER
set -eu

mkdir -p "$1"
run=$(mktemp -d "$1/XXXXXX")
trap 'rm -rf "$run"' EXIT
trap 'exit 130' INT TERM

for step in setup lint unit fuzz integration; do
    make --no-print-directory "$step" results="$run"
done
echo "== all tests"
go run ./hack/testsummary -base "$run/unit.json" "$run/integration.json"
