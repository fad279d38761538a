"""Add users to the root at ROOT, with their groups and home directories.

Usage: users.py ROOT NAME:UID:GID:GROUP:HOME:SHELL...

A group that the image has is to have that name and that number. Nobody has a password, as nonroot has none.
"""

import sys

import accounts


def main(root, *descriptions):
    wanted = [description.split(":") for description in descriptions]
    for name, uid, gid, group, home, shell in wanted:
        check(root, name, int(uid))
        add_group(root, name, group, int(gid))
        append(root, "passwd", f"{name}:x:{uid}:{gid}:{name}:{home}:{shell}")
        append(root, "shadow", f"{name}:!::0:::::")
    accounts.enter(root)
    for _, uid, gid, _, home, _ in wanted:
        accounts.make(home, int(uid), int(gid), 0o700)


def check(root, name, uid):
    for known, known_uid, _ in accounts.users(root):
        if known == name:
            sys.exit(f"users: the image has a user {name} already, {known_uid}: choose another name, or use that one")
        if known_uid == uid:
            sys.exit(f"users: {uid}, for {name}, is the number of the image's user {known} already: choose another")


def add_group(root, name, group, gid):
    known = accounts.groups(root)
    if (group, gid) in known:
        return
    for known_name, known_gid in known:
        if known_gid == gid:
            sys.exit(
                f"users: {gid}, for the group {group} of {name}, is the number of the image's group {known_name}:"
                " choose that group, or another gid"
            )
        if known_name == group:
            sys.exit(
                f"users: the image has a group {group} already, {known_gid}, and {name} wants it to be {gid}:"
                " choose another group or gid"
            )
    append(root, "group", f"{group}:x:{gid}:")


def append(root, name, line):
    with open(f"{root}/etc/{name}", "a", encoding="utf-8") as file:
        file.write(line + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
