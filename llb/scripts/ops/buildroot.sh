#!/bin/sh
# Usage: buildroot.sh ROOT TARGET
#
# Makes what the buildroot image has over its base: a copy of the tree at ROOT at
# TARGET, which ends in the path of the root in that image, and the commands and
# package configuration that work on it.
set -eu

ops=${0%/*}
root=$1
target=$2
out=${target%/*}

mkdir -p "$out/usr/local/bin" "$out/usr/local/lib" "$out/etc/apk/keys"
cp -a "$root" "$target"

# Only what is a command is on the PATH: each finds the rest beside itself.
cp -r "$ops/../bin" "$out/usr/local/lib/distroless"
for command in "$out"/usr/local/lib/distroless/*; do
    name=${command##*/}
    case $name in
    *.*) ;;
    *) ln -s "../lib/distroless/$name" "$out/usr/local/bin/$name" ;;
    esac
done

packages=$out$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mkdir -p "$packages"
cp "$ops/distroless_prefix.py" "$packages/"
echo 'import distroless_prefix' >"$packages/distroless-prefix.pth"

# Whoever builds from the image installs from where the image itself came from.
if [ -e /apk/repositories ]; then
    cp /apk/repositories "$out/etc/apk/repositories"
fi
for key in /apk/keys/*.pub; do
    if [ -e "$key" ]; then
        cp "$key" "$out/etc/apk/keys/"
    fi
done
