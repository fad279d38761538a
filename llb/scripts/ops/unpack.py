"""Lay out a standard library so that each module that is opened is a file.

Usage: unpack.py TREE OUT

OUT is TREE, which stdlib.py has written, but for the zip: in its place is a folder of its
name, which the interpreter searches as it does the zip, and finds the same in.
"""

import os
import shutil
import sys
import zipfile


def main(tree, out):
    for folder, _, files in os.walk(tree):
        target = out + folder[len(tree) :]
        os.makedirs(target, exist_ok=True)
        for name in files:
            source = os.path.join(folder, name)
            if folder == f"{tree}/usr/local/lib" and name.endswith(".zip"):
                with zipfile.ZipFile(source) as archive:
                    archive.extractall(os.path.join(target, name))
            else:
                shutil.copyfile(source, os.path.join(target, name))


if __name__ == "__main__":
    main(*sys.argv[1:])
