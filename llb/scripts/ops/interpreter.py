"""Copy the interpreter of the image at BASE into the tree at OUT.

Usage: interpreter.py BASE OUT X.Y [--same-library] [EXTENSION...]

That is what exists once per platform: the executable and its links, libpython,
the C extensions but the named EXTENSIONs (a final * stands for any end), and the
build settings that sysconfig reads. Nothing of it is executed here, so BASE may be
of another platform than the running Python. Then --same-library checks that its
standard library is the running one's, which is used for both.

Imports next to nothing, for the reason that bytecode.py has.
"""

import os
import sys

import bytecode


def main(base, out, python, *rest):
    lib = f"usr/local/lib/python{python}"
    left_out = [word for word in rest if word != "--same-library"]
    if len(left_out) < len(rest):
        check_same_library(base, lib)

    copy = Copier(base, out)
    for link in ("python", "python3", f"python{python}"):
        copy.file(f"usr/local/bin/{link}")
    for library in copy.matching("usr/local/lib", "libpython", ""):
        if ".so" in library:
            copy.file(library)
    for extension in copy.matching(f"{lib}/lib-dynload", "", ".so"):
        name = os.path.basename(extension).split(".")[0]
        if not any(matches(name, pattern) for pattern in left_out):
            copy.file(extension)
    for settings in copy.matching(lib, "_sysconfigdata_", ".py"):
        bytecode.compile_files([(f"{base}/{settings}", f"{out}/{settings}c", f"/{settings}")])


def matches(name, pattern):
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


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
        folders[:] = [name for name in folders if not of_one_platform(name)]
        below = folder[len(lib) + 1 :]
        found.update(
            os.path.join(below, name)
            for name in files
            if name.endswith(".py") and not of_one_platform(name)
        )
    return found


def of_one_platform(name):
    """Is that of one platform, or not of the library? As stdlib.py has it."""
    return name in ("__pycache__", "site-packages", "lib-dynload") or name.startswith(
        ("config-", "_sysconfigdata_")
    )


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

    def matching(self, folder, prefix, suffix):
        names = sorted(os.listdir(os.path.join(self.base, folder)))
        return [f"{folder}/{name}" for name in names if name.startswith(prefix) and name.endswith(suffix)]

    def file(self, path):
        source, target = os.path.join(self.base, path), os.path.join(self.out, path)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.islink(source):
            os.symlink(os.readlink(source), target)
            return
        with open(source, "rb") as file, open(target, "wb") as copied:
            copied.write(file.read())
        os.chmod(target, os.stat(source).st_mode & 0o7777)


if __name__ == "__main__":
    main(*sys.argv[1:])
