# shellcheck shell=sh
# Shared by the chroot-* commands, which source it from their own directory.
#
# The root in $BUILD_ROOT is distroless: it may have no shell, no ln, no /dev/null, and at first not even
# a C library. What a command needs of these is lent to the root while the command runs and taken back
# whatever way it ends. Everything lent lives in $BUILD_ROOT/.chroot and is hard-linked to where it is looked
# for, so that being the same file tells ours from a package's (symbolic links would do, but take ten times
# as long to make). Nothing is mounted: a build container has no right to.

lent=.chroot
applet_dirs='bin sbin usr/bin usr/sbin'

# What lending, or in passing apk or the adduser of a script, may make in the root: taken back when it was not
# there before, a package does not own it and, being a directory, it is empty. Children come before their parents.
# shellcheck disable=SC2034 # for the commands
dev_transient='dev/null dev/zero dev/urandom dev/random dev/console dev'
# shellcheck disable=SC2034 # for the commands
apk_transient="$dev_transient proc lib/apk/exec etc/apk/keys var/cache/apk var/cache/misc var/cache var tmp
	usr/bin usr/sbin usr bin sbin lib etc/passwd- etc/shadow- etc/group- etc/gshadow-"

die() {
	printf '%s: %s\n' "${0##*/}" "$2" >&2
	exit "$1"
}

# setup DEBUG: what all commands do first. DEBUG is the value of the command's CHROOT_*_DEBUG.
setup() {
	case ${1:-0} in 0 | false | no) ;; *) set -x ;; esac
	if [ "${SOURCE_DATE_EPOCH-}" = - ]; then unset SOURCE_DATE_EPOCH; fi
	[ -n "${BUILD_ROOT-}" ] || die 78 'BUILD_ROOT is not set: it must name the directory of the root to work on'
	[ -d "$BUILD_ROOT" ] || die 78 "BUILD_ROOT=$BUILD_ROOT is not a directory"
	# shellcheck disable=SC3013 # busybox has -ef
	if [ "$BUILD_ROOT" -ef / ]; then die 78 "BUILD_ROOT=$BUILD_ROOT is the builder's own /: refusing to work on it"; fi
	BUILD_ROOT=$(cd -P -- "$BUILD_ROOT" && pwd -P)
}

# shellcheck disable=SC2034 # for the commands
# cache_dir NAME: sets $cache to a writable $CACHE_ROOT/NAME, or to nothing. Writes, because to root
# `test -w` is true even on a read-only mount.
cache_dir() {
	cache=''
	[ -n "${CACHE_ROOT-}" ] || return 0
	mkdir -p -- "$CACHE_ROOT/$1" 2>/dev/null || return 0
	if (: >"$CACHE_ROOT/$1/.probe.$$") 2>/dev/null; then
		rm -f -- "$CACHE_ROOT/$1/.probe.$$"
		cache=$(cd -P -- "$CACHE_ROOT/$1" && pwd -P)
	fi
}

# root_open TRANSIENT [dev] [busybox] [applets]: lends the root what is named until this process exits.
root_open() {
	root_close # of a run that was killed
	trap 'root_exit $?' EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	mkdir -- "$BUILD_ROOT/$lent" || return
	remember "$1"
	shift
	for lend; do "lend_$lend"; done
}

root_exit() {
	trap - EXIT
	trap '' HUP INT TERM
	root_close || [ "$1" -ne 0 ] || exit 1
	exit "$1"
}

# Takes back what root_open lent. Works from what is on disk, so that it also clears up after a killed run.
root_close() {
	[ -d "$BUILD_ROOT/$lent" ] || return 0
	if [ -f "$BUILD_ROOT/$lent/applets" ]; then
		unlend_applets
		settle_busybox
	fi
	if [ -f "$BUILD_ROOT/$lent/absent" ]; then forget; fi
	rm -rf -- "${BUILD_ROOT:?}/$lent"
}

# remember TRANSIENT: writes down which of these the root has not.
remember() {
	absent=
	for path in $1; do
		if ! exists "$BUILD_ROOT/$path"; then absent="$absent $path"; fi
	done
	echo "$absent" >"$BUILD_ROOT/$lent/absent"
}

# Removes the transient files that were absent before.
forget() {
	read -r absent <"$BUILD_ROOT/$lent/absent" || return 0
	for path in $absent; do
		if [ -d "$BUILD_ROOT/$path" ]; then
			owned "F:$path" || rmdir -- "$BUILD_ROOT/$path" 2>/dev/null || :
		else
			case $path in dev/* | etc/*-) rm -f -- "$BUILD_ROOT/$path" ;; esac
		fi
	done
}

exists() {
	[ -e "$1" ] || [ -L "$1" ]
}

# owned LINE: whether the root's package database has this line.
owned() {
	grep -qxF -- "$1" "$BUILD_ROOT/lib/apk/db/installed" 2>/dev/null
}

# Package scripts say 2>/dev/null. Where device nodes cannot be made or opened (rootless), a plain
# file has to do.
lend_dev() {
	mkdir -p -- "$BUILD_ROOT/dev"
	if ! exists "$BUILD_ROOT/dev/null" && ! lend_node null 3; then
		: >"$BUILD_ROOT/dev/null"
		chmod 666 "$BUILD_ROOT/dev/null"
	fi
	exists "$BUILD_ROOT/dev/zero" || lend_node zero 5 || :
	exists "$BUILD_ROOT/dev/urandom" || lend_node urandom 9 || :
}

lend_node() {
	if mknod -m 666 "$BUILD_ROOT/dev/$1" c 1 "$2" 2>/dev/null && (: <"$BUILD_ROOT/dev/$1") 2>/dev/null; then
		return 0
	fi
	rm -f -- "$BUILD_ROOT/dev/$1"
	return 1
}

# The builder's busybox and, unless that is static, the loader that its ELF header names by an absolute path.
lend_busybox() {
	cp -- /bin/busybox "$BUILD_ROOT/$lent/busybox"
	loader=
	for path in /lib/ld-musl-*.so.1; do
		[ -f "$path" ] || continue
		loader=${path##*/}
		cp -- "$path" "$BUILD_ROOT/$lent/$loader"
	done
	[ -n "$loader" ] || in_lent true 2>/dev/null ||
		die 69 'the builder has no musl loader, and its busybox is not static: it must be an Alpine image'
}

# in_lent APPLET ARG…: runs an applet in the root. Through the loader, as the root may have none yet.
in_lent() {
	chroot "$BUILD_ROOT" ${loader:+"/$lent/$loader"} "/$lent/busybox" "$@"
}

# A shell and the applets where package scripts look for them, next to what the root has of its own. A
# package that brings its own replaces our link by a rename.
lend_applets() {
	if [ -f "$BUILD_ROOT/bin/busybox" ]; then
		stat -c %i "$BUILD_ROOT/bin/busybox"
	fi >"$BUILD_ROOT/$lent/applets"
	for dir in lib $applet_dirs; do
		[ -d "$BUILD_ROOT/$dir" ] || mkdir -p -- "$BUILD_ROOT/$dir"
	done
	[ -z "$loader" ] || lend_link "lib/$loader"
	lend_link bin/busybox
	# One process makes all links. In a chroot without /proc they are to argv[0].
	chroot "$BUILD_ROOT" "/$lent/busybox" --install
}

lend_link() {
	exists "$BUILD_ROOT/$1" || ln -- "$BUILD_ROOT/$lent/${1##*/}" "$BUILD_ROOT/$1"
}

# Removes our links: builtins only up to one rm for all of them.
unlend_applets() (
	set +x # hundreds of lines otherwise
	for dir in $applet_dirs; do
		for file in "$BUILD_ROOT/$dir"/*; do
			print_if_same "$file" "$BUILD_ROOT/$lent/busybox"
		done
	done | xargs -0 -r rm -f --
	for loader in "$BUILD_ROOT/$lent"/ld-musl-*; do
		print_if_same "$BUILD_ROOT/lib/${loader##*/}" "$loader"
	done | xargs -0 -r rm -f --
)

# shellcheck disable=SC3013 # busybox has -ef
print_if_same() {
	if [ "$1" -ef "$2" ] && ! [ -L "$1" ]; then printf '%s\0' "$1"; fi
}

# A busybox package links its applets when it is installed or upgraded, but could not where our links
# were in its way. When the package is gone, so should its links be, which apk knows nothing of.
settle_busybox() {
	before=
	read -r before <"$BUILD_ROOT/$lent/applets" || :
	after=
	if [ -f "$BUILD_ROOT/bin/busybox" ]; then after=$(stat -c %i "$BUILD_ROOT/bin/busybox"); fi
	if [ "$before" = "$after" ]; then
		return 0
	elif [ -n "$after" ]; then
		chroot "$BUILD_ROOT" /bin/busybox --install -s
	else
		unlink_stale
	fi
}

unlink_stale() {
	for dir in $applet_dirs; do
		for file in "$BUILD_ROOT/$dir"/*; do
			if [ -L "$file" ] && [ "$(readlink -- "$file")" = /bin/busybox ]; then rm -f -- "$file"; fi
		done
	done
}
