"""The users and groups of the root at ROOT, as its own files have them, and folders of theirs."""

import os
import sys


def users(root):
    """Return (name, uid, gid) of each user."""
    return [(row[0], int(row[2]), int(row[3])) for row in rows(root, "passwd", 7)]


def groups(root):
    """Return (name, gid) of each group."""
    return [(row[0], int(row[2])) for row in rows(root, "group", 4)]


def rows(root, name, columns):
    with open(f"{root}/etc/{name}", encoding="utf-8") as file:
        split = [line.rstrip("\n").split(":") for line in file]
    return [row for row in split if len(row) == columns and row[2].isdecimal()]


def owner(root, text):
    """Return the ids of USER or USER:GROUP, which are names or numbers, or exit if there is none.

    Without a group it is that of the user, or the same number.
    """
    user, _, group = text.partition(":")
    known = users(root)
    found = [(uid, gid) for name, uid, gid in known if user == name]
    if not found and user.isdecimal():
        uid = int(user)
        found = [(uid, gid) for _, known_uid, gid in known if known_uid == uid] or [(uid, uid)]
    if not found:
        sys.exit(
            f"the image has no user {user}: expected a number, a name under users, or one of "
            + ", ".join(sorted(name for name, _, _ in known))
        )
    uid, gid = found[0]
    return uid, group_id(root, group) if group else gid


def group_id(root, group):
    known = groups(root)
    for name, gid in known:
        if name == group:
            return gid
    if group.isdecimal():
        return int(group)
    sys.exit(
        f"the image has no group {group}: expected a number, a group under users, or one of "
        + ", ".join(sorted(name for name, _ in known))
    )


def enter(root):
    """Have / be the root from now on, so that no link in it leads anywhere else."""
    os.chroot(root)
    os.chdir("/")
    os.umask(0o022)


def make(path, uid, gid, mode):
    """Make a folder and those on the way to it, as mkdir -p does, unless it is there."""
    if os.path.isdir(path):
        return False
    try:
        os.makedirs(path)
    except OSError as error:
        sys.exit(f"{path} cannot be a folder: {error.strerror}")
    os.chown(path, uid, gid)
    os.chmod(path, mode)
    return True
