# To be sourced. Sets the variables by which chroot-apk finds repositories and keys.
#
# $BASE_DIR is the base image for the platform of the result, and /apk is made from the
# spec, build arguments and named contexts. Its list of repositories, if there is one,
# replaces that of the base; its keys are trusted together with the base's own.
# shellcheck shell=sh

CHROOT_APK_REPOSITORIES_FILE=$BASE_DIR/etc/apk/repositories
if [ -e /apk/repositories ]; then
    CHROOT_APK_REPOSITORIES_FILE=/apk/repositories
fi

CHROOT_APK_KEYS_DIR=/tmp/apk-keys
mkdir "$CHROOT_APK_KEYS_DIR"
for key in "$BASE_DIR"/etc/apk/keys/*.pub /apk/keys/*.pub; do
    if [ -e "$key" ]; then
        cp "$key" "$CHROOT_APK_KEYS_DIR"
    fi
done
export CHROOT_APK_REPOSITORIES_FILE CHROOT_APK_KEYS_DIR
