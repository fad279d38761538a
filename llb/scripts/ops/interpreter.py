"""Copy the interpreter of the image at --base into the tree at --out.

That is what exists once per platform: the executable and its links, libpython,
the C extensions, and the build settings that sysconfig reads. Nothing of it is
executed here, so --base may be of another platform than the running Python.
"""

import argparse
import fnmatch
import glob
import os
import re
import shutil
import sys

import bytecode


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True, help="root of the image to copy from")
    parser.add_argument("--out", required=True, help="root of the tree to write")
    parser.add_argument("--python", required=True, metavar="X.Y")
    parser.add_argument("--leave-out", action="append", default=[], metavar="EXTENSION")
    parser.add_argument("--same-library", action="store_true", help="check that its library is the running one's")
    options = parser.parse_args()

    copy = Copier(options.base, options.out)
    lib = f"usr/local/lib/python{options.python}"
    if options.same_library:
        check_same_library(options.base, lib)
    for link in ("python", "python3", f"python{options.python}"):
        copy.file(f"usr/local/bin/{link}")
    for library in copy.matching("usr/local/lib/libpython*.so*"):
        copy.file(library)
    for extension in copy.matching(f"{lib}/lib-dynload/*.so"):
        name = os.path.basename(extension).split(".")[0]
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in options.leave_out):
            copy.file(extension)
    for settings in copy.matching(f"{lib}/_sysconfigdata_*.py"):
        bytecode.compile_files(
            [(f"{options.base}/{settings}", f"{options.out}/{settings}c", f"/{settings}")]
        )


# What of the library is of one platform, or not of the library.
OF_ONE_PLATFORM = re.compile(r"(__pycache__|site-packages|lib-dynload|config-.*|_sysconfigdata_.*\.py)$")


def check_same_library(base, lib):
    """Exit unless the sources of the standard library at base are the running image's."""
    ours, theirs = sources(f"/{lib}"), sources(f"{base}/{lib}")
    for name in sorted(ours | theirs):
        if name not in ours or name not in theirs or not same(f"/{lib}/{name}", f"{base}/{lib}/{name}"):
            sys.exit(
                "the base image has one version of Python for all platforms, but not one standard"
                f" library: /{lib}/{name} differs from that of the daemon's own platform, which would"
                " be used for both. Build each platform by itself on a daemon of that platform,"
                " or name a base image that has the same library for all"
            )


def sources(lib):
    """The paths of the modules below lib, relative to it."""
    found = set()
    for folder, folders, files in os.walk(lib):
        folders[:] = [name for name in folders if not OF_ONE_PLATFORM.match(name)]
        below = folder[len(lib) + 1 :]
        found.update(
            os.path.join(below, name)
            for name in files
            if name.endswith(".py") and not OF_ONE_PLATFORM.match(name)
        )
    return found


def same(one, other):
    if os.path.getsize(one) != os.path.getsize(other):
        return False
    with open(one, "rb") as file, open(other, "rb") as file_of_other:
        return file.read() == file_of_other.read()


class Copier:
    """Copies files from one root to another, with their modes and as links where they are."""

    def __init__(self, base, out):
        self.base = base
        self.out = out

    def matching(self, pattern):
        return sorted(glob.glob(pattern, root_dir=self.base))

    def file(self, path):
        target = os.path.join(self.out, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(os.path.join(self.base, path), target, follow_symlinks=False)


if __name__ == "__main__":
    main()
