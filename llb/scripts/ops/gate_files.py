"""Fail unless the image at ROOT has some files and has not others.

Usage: gate_files.py ROOT [exists=PATTERN...] [absent=PATTERN...]

It looks as root and from inside, so that links lead where they lead in the image; nothing of the
image is executed, which may be for another platform than this.
"""

import fnmatch
import glob
import os
import sys


def main(root, *expected):
    os.chroot(root)
    os.chdir("/")
    failures = [failure for kind, _, pattern in (word.partition("=") for word in expected) for failure in check(kind, pattern)]
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    sys.exit(bool(failures))


def check(kind, pattern):
    # The name itself goes first: it may have what else makes it a pattern.
    found = [pattern] if os.path.lexists(pattern) else matching(pattern, hidden=kind == "absent")
    if kind == "absent":
        for path in found:
            yield f"{path} is in the image" + ("" if path == pattern else f", which absent: {pattern} forbids")
    elif not found:
        yield f"{pattern} is not in the image"
    else:
        for path in found:
            if not os.path.exists(path):
                yield f"{path} is in the image, but a link to {os.readlink(path)}, which is not"


def matching(pattern, hidden):
    """Return the paths that match, sorted. The module glob follows links, which may lead in circles."""
    parts = pattern.strip("/").split("/")
    if parts[-1] == "**":
        parts.append("*")  # what is below, and not the folder itself
    found = {"/"}
    for part in parts:
        found = {path for folder in found for path in step(folder, part, hidden)}
    return sorted(found)


def step(folder, part, hidden):
    """Return the paths that one part of a pattern stands for in a folder."""
    if part == "**":
        return folders(folder, hidden)
    if not glob.has_magic(part):
        path = os.path.join(folder, part)
        return [path] if os.path.lexists(path) else []
    names = fnmatch.filter(listed(folder), part)
    return [os.path.join(folder, name) for name in names if hidden or part.startswith(".") or not name.startswith(".")]


def folders(top, hidden):
    """Yield a folder and all below it."""
    for folder, below, _ in os.walk(top):
        below[:] = [name for name in below if hidden or not name.startswith(".")]
        yield folder


def listed(folder):
    try:
        return os.listdir(folder)
    except OSError:  # no folder, or a link that leads to none
        return []


if __name__ == "__main__":
    main(*sys.argv[1:])
