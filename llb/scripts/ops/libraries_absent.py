"""Say which files need the shared libraries that apk did not find in any repository.

Usage: libraries_absent.py REPORT LOG

REPORT is of libraries.py, LOG what apk said. Fails if it says that something was not found.
"""

import re
import sys


def main(report, log):
    with open(log, errors="surrogateescape") as file:
        absent = set(re.findall(r"so:(\S+) \(no such package\)", file.read()))
    for name, path, _, wheel, _ in needs(report):
        if name in absent:
            owner = f" of the wheel {wheel}" if wheel else ""
            print(
                f"{path}{owner} needs the shared library {name}, which is not in the image, and no repository has a"
                " package that provides it: take a wheel that brings it along (musllinux), add a repository that has it"
                " to apk.repositories, or the library to libraries.ignore if it may be missing",
                file=sys.stderr,
            )
    sys.exit(bool(absent))


def needs(report):
    with open(report, "rb") as file:
        fields = [field.decode(errors="backslashreplace") for field in file.read().split(b"\0")]
    # Wheels may have any names for their files.
    return zip(*[iter(field if field.isprintable() else ascii(field) for field in fields)] * 5)


if __name__ == "__main__":
    main(*sys.argv[1:])
