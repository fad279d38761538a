"""Make folders that somebody may write to in the root at ROOT.

Usage: directories.py ROOT [KIND PATH OWNER MODE]...

A volume that is there stays as it is. What is writable is OWNER's, and of that MODE if it is
not empty, also if it was there; what is in it stays as it is. OWNER is USER or USER:GROUP.
"""

import os
import sys

import accounts


def main(root, *words):
    wanted = [
        (kind, path, *accounts.owner(root, owner), mode)
        for kind, path, owner, mode in zip(*[iter(words)] * 4, strict=True)
    ]
    accounts.enter(root)
    for kind, path, uid, gid, mode in wanted:
        if accounts.make(path, uid, gid, int(mode or "755", 8)) or kind == "volume":
            continue
        os.chown(path, uid, gid)
        if mode:
            os.chmod(path, int(mode, 8))


if __name__ == "__main__":
    main(*sys.argv[1:])
