#!/bin/sh
# Run a command that starts buildkitd and runc, for which it has to be root: as it is, if it
# is root's, or else in a user namespace, where everybody can be root of as many users as
# /etc/subuid and /etc/subgid give. Where that cannot be had either, say so once and run the
# command without: its tests skip what needs a daemon.
#
#   hack/as-root.sh COMMAND [ARGUMENT…]
set -eu

if [ "$(id -u)" -eq 0 ]; then
    exec "$@"
fi
if problem=$(unshare --map-root-user --map-auto --mount true 2>&1); then
    exec unshare --map-root-user --map-auto --mount "$@"
fi
cat >&2 <<EOF
as-root: buildkitd and runc need root, or a user namespace, and neither is to be had:
as-root:   $problem
as-root: a user namespace takes unshare of util-linux 2.38 or newer, newuidmap (Debian:
as-root: apt-get install uidmap), a range of ids for $(id -un) in /etc/subuid and /etc/subgid,
as-root: and a kernel that lets users make one (sysctl user.max_user_namespaces and, where
as-root: there are such, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns).
EOF
exec "$@"
