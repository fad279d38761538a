#!/bin/sh
# Usage: debug.sh OUT FOREIGN [SONAMES TREE...]
#
# Writes to OUT what the debug twin of the image in $BUILD_ROOT has over it: busybox with its
# applets, pip, and the sources of the standard library, see debug.py. Of a trimmed image that is the shared
# libraries of the file SONAMES as well, and what it lacks of the TREEs that were trimmed.
#
# The image may be for another platform: nothing of it is executed. What is done to the image
# is thrown away, since a layer that was made on it would bring with it the layers that the
# image had then.
set -eu

ops=${0%/*}
out=$1
foreign=$2
sonames=${3:-/dev/null}
shift $(($# < 3 ? $# : 3))
before=$(mktemp)
# shellcheck source=llb/scripts/ops/apk-configuration.sh
. "$ops/apk-configuration.sh"
# shellcheck disable=SC2046 # one word for each library is what is wanted
"$ops/foreign-apk.sh" add busybox $(sed 's/^/so:/' "$sonames")

# What busybox's own post-install script does: link the applets that nothing else provides.
busybox --list-full | while read -r applet; do
    path=$BUILD_ROOT/$applet
    if ! [ -e "$path" ] && ! [ -L "$path" ]; then
        mkdir -p "${path%/*}"
        ln -s /bin/busybox "$path"
    fi
done

python "$ops/debug.py" "$BUILD_ROOT" "$BASE_DIR" "$foreign" "$@"
python "$ops/changed_files.py" "$BUILD_ROOT" "$before" "$out"
