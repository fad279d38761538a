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
# folder that it knows of. Files that are copied have nobody who would have seen to that.
COPIED = "files"


def main(report, program, site_packages, variable, *trees):
    image = layers.Layers()
    for tree in trees:
        name, _, top = tree.partition("=")
        image.add(name, top)
    lacking = unmet(image, image.resolve(program), variable)
    wheels = owners(image, site_packages) if any(image.layer[path] == "pip" for path, _, _ in lacking) else {}
    with open(report, "wb") as file:
        for path, name, elsewhere in lacking:
            for field in (name, path, image.layer[path], wheels.get(path, ""), elsewhere):
                file.write(os.fsencode(field) + b"\0")


def unmet(image, program, variable):
    """Return a sorted list of (file, name, path of what has that name elsewhere)."""
    elves = read(image, program)
    lacking = set()
    for path, name in missing(loader.Loader(image, elves, program, variable), elves):
        if loader.is_of_glibc(name):
            lacking.add((path, name, ""))
            continue
        others = [other for other in elves if called(other, elves[other], name)]
        layer = image.layer[path]
        if layer == COPIED or not any(image.layer[other] == layer for other in others):
            lacking.add((path, name, "".join(others[:1])))
    return sorted(lacking)


def called(path, elf, name):
    return name in (path.rpartition("/")[2], elf.soname)


def read(image, program):
    """Return the ELF files by path, sorted, that are for the machine of the program."""
    found = {path: elf.read(image.files[path]) for path in sorted(image.files)}
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


def owners(image, site_packages):
    """Return the wheels by the paths of their files."""
    found = {}
    for path in image.files:
        folder, _, name = path.rpartition("/")
        above, _, info = folder.rpartition("/")
        if name == "RECORD" and above == site_packages and info.endswith(".dist-info"):
            with open(image.files[path], encoding="utf-8", errors="surrogateescape") as record:
                for line in record:
                    found[image.resolve(f"{site_packages}/{recorded(line)}")] = info.removesuffix(".dist-info")
    return found


def recorded(line):
    """The path in a line of RECORD, which are comma-separated values."""
    path = line.rstrip("\n").rsplit(",", 2)[0]
    if path.startswith('"'):
        path = path[1:-1].replace('""', '"')
    return path


if __name__ == "__main__":
    main(*sys.argv[1:])
