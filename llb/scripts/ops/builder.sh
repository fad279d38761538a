#!/bin/sh
# Usage: builder.sh PACKAGE...
#
# Adds PACKAGEs to the image this runs in, for pip to build with.
set -eu

ops=${0%/*}
# shellcheck source=llb/scripts/ops/apk-configuration.sh
. "$ops/apk-configuration.sh"
before=$(mktemp)
apk add --update-cache --cache-dir "$CACHE_ROOT/apk" \
    --repositories-file "$CHROOT_APK_REPOSITORIES_FILE" --keys-dir "$CHROOT_APK_KEYS_DIR" "$@"

# As chroot-apk does: no day of the build where nobody has a password.
sed -i 's/^\([^:]*:[^:]*\):[0-9][0-9]*:/\1::/' /etc/shadow
rm -f /etc/passwd- /etc/shadow- /etc/group-

# The buildroot image is made from this one and must have the same digest when it
# is made again. Files of the base are older, and are not copied up.
python "$ops/settle_changed.py" / "$before"
