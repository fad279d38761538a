"""Copy the interpreter of the image at --base into the tree at --out.

That is what exists once per platform: the executable and its links, libpython,
the C extensions, and the build settings that sysconfig reads. Nothing of it is
executed here, so --base may be of another platform than the running Python.
"""

import argparse
import fnmatch
import glob
import os
import shutil

import bytecode


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", required=True, help="root of the image to copy from")
    parser.add_argument("--out", required=True, help="root of the tree to write")
    parser.add_argument("--python", required=True, metavar="X.Y")
    parser.add_argument("--leave-out", action="append", default=[], metavar="EXTENSION")
    options = parser.parse_args()

    copy = Copier(options.base, options.out)
    lib = f"usr/local/lib/python{options.python}"
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
