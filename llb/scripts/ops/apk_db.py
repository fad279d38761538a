"""Read the database of installed packages of apk 2 in a root.

https://wiki.alpinelinux.org/wiki/Apk_spec has its format.
"""

import os

FOLDER = "lib/apk/db"


class Package:
    """An installed package.

    files has its files and links, {path: checksum or None}, and folders its folders; all
    paths are relative to the root. Of installed_with_scripts, scripts are the kinds of its
    scripts, triggers the patterns of folders whose change runs its script trigger.
    """

    def __init__(self):
        self.name = self.version = self.checksum = ""
        self.files = {}
        self.folders = set()
        self.scripts = set()
        self.triggers = []


def installed(root):
    """Return the packages of a root by name."""
    packages = read_installed(os.path.join(root, FOLDER, "installed"))
    return {package.name: package for package in packages}


def read_installed(path):
    package, folder, file = Package(), "", None
    for line in lines(path):
        key, _, value = line.partition(":")
        if not line:
            if package.name:
                yield package
            package = Package()
        elif key == "P":
            package.name = value
        elif key == "V":
            package.version = value
        elif key == "C":
            package.checksum = value
        elif key == "F":
            folder = value
            package.folders.add(folder)
        elif key == "R":
            file = os.path.join(folder, value)
            package.files[file] = None
        elif key == "Z":
            package.files[file] = value
    if package.name:
        yield package


def installed_with_scripts(root):
    """Return the packages of a root by name, with what is known of their scripts."""
    packages = installed(root)
    add_scripts(packages.values(), os.path.join(root, FOLDER, "scripts.tar"))
    add_triggers(packages.values(), os.path.join(root, FOLDER, "triggers"))
    return packages


def add_scripts(packages, path):
    """The archive's names are PACKAGE-VERSION.CHECKSUM.KIND, where the checksum may have any sign."""
    import tarfile  # not at the top: without bytecode of its own this takes a while

    if not os.path.exists(path):
        return
    with tarfile.open(path) as archive:
        names = archive.getnames()
    by_prefix = {f"{p.name}-{p.version}.{p.checksum}": p for p in packages}
    for name in names:
        prefix, _, kind = name.rpartition(".")
        if prefix in by_prefix:
            by_prefix[prefix].scripts.add(kind)


def add_triggers(packages, path):
    by_checksum = {p.checksum: p for p in packages}
    for line in filter(None, lines(path)):
        checksum, *patterns = line.split()
        if checksum in by_checksum:
            by_checksum[checksum].triggers = patterns


def lines(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read().split("\n")
