#!/bin/sh
# Usage: builder.sh PACKAGE...
#
# Adds PACKAGEs, for pip to build with, to the image this runs in. If $FOREIGN_PLATFORM is
# set, it adds them to the image in $BUILD_ROOT, which is of that platform.
set -eu

ops=${0%/*}
image=/
before=$(mktemp)
if [ -n "${FOREIGN_PLATFORM-}" ]; then
    image=$BUILD_ROOT
    "$ops/packages.sh" "$@"
else
    # shellcheck source=llb/scripts/ops/apk-configuration.sh
    . "$ops/apk-configuration.sh"
    apk add --update-cache --cache-dir "$CACHE_ROOT/apk" \
        --repositories-file "$CHROOT_APK_REPOSITORIES_FILE" --keys-dir "$CHROOT_APK_KEYS_DIR" "$@"
fi

# As chroot-apk does: no day of the build where nobody has a password.
sed -i 's/^\([^:]*:[^:]*\):[0-9][0-9]*:/\1::/' "$image/etc/shadow"
rm -f "$image/etc/passwd-" "$image/etc/shadow-" "$image/etc/group-"

# The buildroot image is made from this one and must have the same digest when it
# is made again. Files of the base are older, and are not copied up.
python "$ops/settle_changed.py" "$image" "$before"
