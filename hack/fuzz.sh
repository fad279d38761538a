#!/bin/sh
# Run every fuzz test for a while: fuzz.sh [TIME], 20s by default.
set -eu

cd "$(dirname "$0")/.."

time=${1:-20s}
found=
for package in $(go list ./...); do
    for name in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || :); do
        found=yes
        echo "fuzz: $package $name for $time"
        go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "$package"
    done
done
[ -n "$found" ] || echo "fuzz: there are no fuzz tests"
