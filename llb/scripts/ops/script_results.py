"""Do to a root what package scripts would have done, had they run.

Usage: script_results.py NATIVE ROOT

NATIVE is a root of the same packages for the platform this runs on, where their scripts
did run; in ROOT, for another platform, they could not. What they made or changed is no
program but text, links and owners, the same for every platform: so it is what NATIVE has
and its packages have not.
"""

import binascii
import hashlib
import os
import sys

import apk_db


def main(native, root):
    contents, folders = {}, set()
    for package in apk_db.installed(native).values():
        contents.update(package.files)
        folders.update(package.folders)
    for path in sorted(paths_below(native)):
        source, target = os.path.join(native, path), os.path.join(root, path)
        if path in contents:
            if changed(source, contents[path]):
                copy(source, target)
        elif path not in folders and not os.path.lexists(target):
            copy(source, target)
        if os.path.lexists(target):
            own_alike(source, target)
    for path in contents:
        if not os.path.lexists(os.path.join(native, path)) and os.path.lexists(os.path.join(root, path)):
            os.remove(os.path.join(root, path))


def paths_below(top):
    """The paths of all that a root has but its package database, folders before what is in them."""
    for folder, folders, files in os.walk(top):
        below = os.path.relpath(folder, top)
        if below == apk_db.FOLDER:
            folders[:] = []
            continue
        for name in folders + files:
            yield os.path.normpath(os.path.join(below, name))


def changed(path, checksum):
    """Is a file other than its package had it? Without a checksum it is not known to be."""
    if checksum is None or not os.path.lexists(path):
        return False
    if os.path.islink(path):
        data = os.fsencode(os.readlink(path))
    else:
        with open(path, "rb") as file:
            data = file.read()
    return checksum != "Q1" + binascii.b2a_base64(hashlib.sha1(data).digest(), newline=False).decode()


def copy(source, target):
    if os.path.islink(source):
        if os.path.lexists(target):
            os.remove(target)
        os.symlink(os.readlink(source), target)
    elif os.path.isdir(source):
        os.mkdir(target)
    else:
        with open(source, "rb") as file, open(target, "wb") as copied:
            copied.write(file.read())


def own_alike(source, target):
    """Give target the owner and the mode of source, where they differ."""
    want, have = os.lstat(source), os.lstat(target)
    if (want.st_uid, want.st_gid) != (have.st_uid, have.st_gid):
        os.lchown(target, want.st_uid, want.st_gid)
    # A change of owner clears the set-uid bits.
    if want.st_mode != os.lstat(target).st_mode and not os.path.islink(target):
        os.chmod(target, want.st_mode & 0o7777)


if __name__ == "__main__":
    main(*sys.argv[1:])
