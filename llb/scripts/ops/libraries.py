"""Report what the ELF files of an image need and do not find in it.

Usage: libraries.py REPORT PROGRAM SITE-PACKAGES LD_LIBRARY_PATH NAME=LAYER...

The image is what the trees LAYER make that are laid over one another. PROGRAM is its
interpreter; ELF files for another machine are none of its concern. Nothing of it is
executed, so it may be for any platform.

REPORT has five fields for each need that is not met, each ended by a zero byte: the name
of the library, the path of the file that needs it, the NAME of that file's layer, the wheel
that the file is of, and the path of a file that has the name of the library though no loader
would look there. The last two may be empty.

Imports next to nothing, for the reason that bytecode.py has.
"""

import os
import sys

import elf
import layers
import loader

# What a layer has of its own it is trusted to load itself, such as by its full path or from a
# folder that it knows of: in the layer of pip, what a wheel has, or one that it requires. Files
# that are copied have nobody who would have seen to that.
COPIED, INSTALLED = "files", "pip"

# What Python reads itself, which is most of what pip installs. To open a file costs more than
# all the rest that is done with it.
OF_PYTHON = (".py", ".pyc")


def main(report, program, site_packages, variable, *trees):
    image = layers.Layers()
    for tree in trees:
        name, _, top = tree.partition("=")
        image.add(name, top)
    program = image.resolve(program)
    elves = read(image, program)
    lacking = missing(loader.Loader(image, elves, program, variable), elves)
    wheels = Wheels(image, site_packages if any(image.layer[path] == INSTALLED for path, _ in lacking) else None)
    with open(report, "wb") as file:
        for path, name, elsewhere in unmet(image, elves, lacking, wheels):
            for field in (name, path, image.layer[path], wheels.of(path), elsewhere):
                file.write(os.fsencode(field) + b"\0")


def unmet(image, elves, lacking, wheels):
    """Return a sorted list of (file, name, path of what has that name elsewhere)."""
    found = set()
    for path, name in lacking:
        if loader.is_of_glibc(name):
            found.add((path, name, ""))
            continue
        others = [other for other in elves if called(other, elves[other], name)]
        layer = image.layer[path]
        trusted = [other for other in others if image.layer[other] == layer and wheels.trusts(path, other)]
        if layer == COPIED or not trusted:
            found.add((path, name, "".join(others[:1])))
    return sorted(found)


def called(path, elf, name):
    return name in (path.rpartition("/")[2], elf.soname)


def read(image, program):
    """Return the ELF files by path, sorted, that are for the machine of the program."""
    found = {path: elf.read(image.files[path]) for path in sorted(image.files) if not path.endswith(OF_PYTHON)}
    if found.get(program) is None:
        sys.exit(f"{program} of the base image is no program: name an official python:X.Y-alpineA.B image, or one made from it")
    machine = found[program].machine
    return {path: file for path, file in found.items() if file is not None and file.machine == machine}


def missing(loads, elves):
    """Return a set of (file, name) of what is needed and not there.

    What a library needs may be found where only those look that need the library. So what
    counts is what programs load, and files that no other loads, or only such as they load.
    """
    results = {path: loads.start(path) for path in elves}
    users = {path: set() for path in elves}
    for path, (loaded, _) in results.items():
        for other in loaded.values():
            if other != path and other in users:
                users[other].add(path)
    lacking = set()
    for path, (loaded, lacks) in results.items():
        if elves[path].interpreter or users[path].issubset(loaded.values()):
            lacking |= lacks
    return lacking


class Wheels:
    """The wheels that files are of, and what these require. None are known without site-packages."""

    def __init__(self, image, site_packages):
        self.wheels, self.required = {}, {}
        for path in image.files if site_packages else ():
            folder, _, name = path.rpartition("/")
            above, _, info = folder.rpartition("/")
            if above == site_packages and info.endswith(".dist-info") and name in ("RECORD", "METADATA"):
                wheel = info.removesuffix(".dist-info")
                with open(image.files[path], encoding="utf-8", errors="surrogateescape") as file:
                    if name == "RECORD":
                        self.wheels.update((image.resolve(f"{site_packages}/{recorded(line)}"), wheel) for line in file)
                    else:
                        self.required[wheel] = {required(line) for line in file if line.startswith("Requires-Dist:")}

    def of(self, path):
        return self.wheels.get(path, "")

    def trusts(self, path, other):
        """Is other of the wheel that the file at path is of, or of one that this requires?"""
        wheel, theirs = self.of(path), self.of(other)
        return wheel == theirs or normal(theirs.partition("-")[0]) in self.required.get(wheel, ())


def required(line):
    """The name in a line such as Requires-Dist: numpy>=2; extra == "fast"."""
    name = line.partition(":")[2].strip()
    end = next((i for i, c in enumerate(name) if not c.isalnum() and c not in "-_."), len(name))
    return normal(name[:end])


def normal(name):
    """One form of a name that has many."""
    return name.lower().replace("_", "-").replace(".", "-")


def recorded(line):
    """The path in a line of RECORD, which are comma-separated values."""
    path = line.rstrip("\n").rsplit(",", 2)[0]
    if path.startswith('"'):
        path = path[1:-1].replace('""', '"')
    return path


if __name__ == "__main__":
    main(*sys.argv[1:])
