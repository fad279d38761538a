package standin

// accountsScript is adduser and addgroup: Debian's busybox has neither applet. It
// knows the options that Dockerfiles and package scripts use.
const accountsScript = `#!/bin/sh
# adduser and addgroup with busybox's options: -S -D -H -h HOME -s SHELL -g GECOS -G GROUP -u UID, -S -g GID.
set -eu

# free FILE FIRST: the first number from FIRST on that is not in use.
free() {
	id=$2
	while cut -d: -f3 "$1" | grep -qx "$id"; do id=$((id + 1)); done
	echo "$id"
}

lookup() { sed -n "s/^$2:[^:]*:\([0-9]*\):.*/\1/p" "$1"; }

addgroup() {
	gid=
	first=1000
	while getopts g:SD option; do
		case $option in
		g) gid=$OPTARG ;;
		S) first=100 ;;
		*) : ;;
		esac
	done
	shift $((OPTIND - 1))
	if [ $# -eq 2 ]; then # a user joins a group
		sed -i "s/^\($2:[^:]*:[^:]*:.*[^:]\)\$/\1,$1/; s/^\($2:[^:]*:[^:]*:\)\$/\1$1/" /etc/group
		return
	fi
	[ -z "$(lookup /etc/group "$1")" ] || { echo "addgroup: group '$1' in use" >&2; exit 1; }
	echo "$1:x:${gid:-$(free /etc/group $first)}:" >>/etc/group
}

adduser() {
	uid='' home='' shell='' gecos='' group='' create=yes first=1000
	while getopts h:s:g:G:u:SDHk: option; do
		case $option in
		h) home=$OPTARG ;;
		s) shell=$OPTARG ;;
		g) gecos=$OPTARG ;;
		G) group=$OPTARG ;;
		u) uid=$OPTARG ;;
		S) first=100 shell=${shell:-/sbin/nologin} ;;
		H) create= ;;
		*) : ;;
		esac
	done
	shift $((OPTIND - 1))
	if [ $# -eq 2 ]; then
		OPTIND=1
		addgroup "$1" "$2"
		return
	fi
	name=$1
	[ -z "$(lookup /etc/passwd "$name")" ] || { echo "adduser: user '$name' in use" >&2; exit 1; }
	uid=${uid:-$(free /etc/passwd $first)}
	if [ -n "$group" ]; then
		gid=$(lookup /etc/group "$group")
	elif [ "$first" -eq 100 ]; then
		gid=65533
	else
		gid=$(free /etc/group "$uid")
		echo "$name:x:$gid:" >>/etc/group
	fi
	home=${home:-/home/$name}
	echo "$name:x:$uid:$gid:${gecos:-$name}:$home:${shell:-/bin/sh}" >>/etc/passwd
	echo "$name:!:0:0:99999:7:::" >>/etc/shadow
	[ -z "$create" ] || [ -e "$home" ] || { mkdir -p "$home" && chown "$uid:$gid" "$home"; }
}

"${0##*/}" "$@"
`

// accountsTools installs the script under both of its names.
func (m *maker) accountsTools(root string) error {
	if err := write(root, "usr/sbin/adduser", accountsScript, 0o755); err != nil {
		return err
	}
	return symlink(root, "usr/sbin/addgroup", "adduser")
}
