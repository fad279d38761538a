"""Fail unless the image at ROOT has some files and has not others.

Usage: gate_files.py ROOT [exists=PATTERN...] [absent=PATTERN...]

It looks as root and from inside, so that links lead where they lead in the image; nothing of the
image is executed, which may be for another platform than this.
"""

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
    found = [pattern] if os.path.lexists(pattern) else sorted(glob.glob(pattern))
    if kind == "absent":
        for path in found:
            yield f"{path} is in the image" + ("" if path == pattern else f", which absent: {pattern} forbids")
    elif not found:
        yield f"{pattern} is not in the image"
    else:
        for path in found:
            if not os.path.exists(path):
                yield f"{path} is in the image, but a link to {os.readlink(path)}, which is not"


if __name__ == "__main__":
    main(*sys.argv[1:])
