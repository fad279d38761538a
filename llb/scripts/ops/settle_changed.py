"""Set the time of everything that changed since a file was made to the epoch.

Usage: settle_changed.py DIR FILE

For a tree that this op shares with layers below, whose files must not be
touched: that would copy them up. Busybox's find cannot ask for change times.
"""

import os
import sys

EPOCH = 315619200  # as in settled.sh


def main(top, marker):
    changed = []
    since = os.stat(marker).st_ctime_ns
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if not os.path.ismount(os.path.join(folder, name))]
        for path in (folder, *(os.path.join(folder, name) for name in files)):
            if os.lstat(path).st_ctime_ns >= since:
                changed.append(path)
        changed.extend(links(folder, folders, since))
    for path in changed:
        os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)


def links(folder, folders, since):
    """Links to folders, which os.walk lists as folders but does not enter."""
    for name in folders:
        path = os.path.join(folder, name)
        if os.path.islink(path) and os.lstat(path).st_ctime_ns >= since:
            yield path


if __name__ == "__main__":
    main(*sys.argv[1:])
