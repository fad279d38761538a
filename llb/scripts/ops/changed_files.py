"""Copy everything that changed in a tree since a file was made into another.

Usage: changed_files.py DIR FILE OUT

With the folders on the way, as they are in DIR: laid over what DIR was, OUT makes it what it is.
"""

import os
import shutil
import sys


def main(top, marker, out):
    since = os.stat(marker).st_ctime_ns
    copied = {}  # where a file with several names was copied to
    for folder, folders, files in os.walk(top):
        folders.sort()
        for name in sorted((*folders, *files)):
            path = os.path.join(folder, name)
            found = os.lstat(path)
            if found.st_ctime_ns < since or os.path.ismount(path):
                continue
            target = out + path[len(top) :]
            make_folders(top, os.path.dirname(path), out)
            if found.st_ino in copied and not os.path.isdir(path):
                os.link(copied[found.st_ino], target)
                continue
            copy(path, target, found)
            copied[found.st_ino] = target


def make_folders(top, folder, out):
    target = out + folder[len(top) :]
    if not os.path.isdir(target):
        make_folders(top, os.path.dirname(folder), out)
        copy(folder, target, os.lstat(folder))


def copy(path, target, found):
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
    elif os.path.isdir(path):
        if not os.path.isdir(target):
            os.mkdir(target)
    else:
        shutil.copyfile(path, target)
    os.lchown(target, found.st_uid, found.st_gid)
    if not os.path.islink(path):
        os.chmod(target, found.st_mode & 0o7777)


if __name__ == "__main__":
    main(*sys.argv[1:])
