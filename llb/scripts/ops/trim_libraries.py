"""Find the shared libraries that a trimmed image does without, and report on all that it does.

The sonames go to the file libraries in --out, by which root.sh leaves out the dependencies of
the interpreter that bring them; the report of trim.py goes to trim.json there, completed.
"""

import argparse
import json
import os
import re

import elf
import stdlib


def main():
    options = parse_options()
    libraries = spare_libraries(options)
    with open(f"{options.plan}/trim.json") as file:
        report = json.load(file)
    shared = shared_libraries(options.final)
    before = library_bytes(options.interpreter, options.compiled) + shared
    after = library_bytes(options.trimmed) + shared - sum(libraries.values())
    report.update({"libraries": {"left-out": libraries}, "bytes": {"before": before, "after": after}})
    with open(f"{options.out}/libraries", "w") as file:
        file.writelines(f"{soname}\n" for soname in libraries)
    with open(f"{options.out}/trim.json", "w") as file:
        json.dump(report, file, indent=2)
        file.write("\n")
    say(report)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interpreter", required=True, help="tree of what exists once per platform")
    parser.add_argument("--compiled", required=True, help="tree of the standard library")
    parser.add_argument("--trimmed", required=True, help="tree of what is left of both")
    parser.add_argument("--final", required=True, help="root of the image with all of both")
    parser.add_argument("--base", required=True, help="root of the base image")
    parser.add_argument("--plan", required=True, help="what trim.py reports")
    parser.add_argument("--opened", action="append", required=True, metavar="FILE", help="that trace.py wrote")
    parser.add_argument("--out", required=True)
    return parser.parse_args()


def say(report):
    modules, libraries = report["modules"], report["libraries"]["left-out"]
    before, after = report["bytes"]["before"], report["bytes"]["after"]
    print(f"trim: {len(modules['kept'])} modules stay, {len(modules['left-out'])} are left out. None is left of:")
    print(" ", *sorted(tops(modules["left-out"]) - tops(modules["kept"])))
    print("trim: shared libraries left out:", *(libraries or ["none"]))
    print(
        f"trim: the library and shared libraries take {after / 1e6:.1f} MB instead of {before / 1e6:.1f} MB,"
        f" {100 * (before - after) / before:.0f} % less"
    )


def spare_libraries(options):
    """Return {soname: bytes} of Python's shared libraries that nothing opened and nothing needs.

    What needs them may be any file of the image but the C extensions that are gone, and those of
    these libraries that stay.
    """
    sonames = rundeps(options.base)
    opened = {os.path.basename(path) for path in stdlib.opened(options.opened)}
    files = {f"/{name}": os.path.join(options.final, name) for name in stdlib.files_below(options.final)}
    found = {os.path.basename(name): os.path.realpath(path) for name, path in files.items() if os.path.basename(name) in sonames}
    needed = set()
    for name, path in files.items():
        gone = "/lib-dynload/" in name and not os.path.exists(options.trimmed + name)
        if not gone and path not in found.values() and os.path.isfile(path) and not os.path.islink(path):
            needed.update(needs(path))
    stay = {soname for soname, path in found.items() if soname in needed or opened & {soname, os.path.basename(path)}}
    while more := {name for soname in stay for name in needs(found[soname])} & set(found) - stay:
        stay |= more
    return {soname: os.path.getsize(path) for soname, path in sorted(found.items()) if soname not in stay}


def needs(path):
    described = elf.read(path)
    return described.needed if described else []


def rundeps(base):
    """Return the sonames that the base image says its Python is linked with: see root.sh."""
    with open(f"{base}/lib/apk/db/installed") as file:
        virtual = re.search(r"^P:\.python-rundeps$.*?^$", file.read(), re.M | re.S)
    return set(re.findall(r"\bso:(\S+?)(?:[<>=~]\S*)?(?=\s|$)", virtual[0]) if virtual else [])


def tops(modules):
    return {module.partition(".")[0] for module in modules}


def library_bytes(*trees):
    """Count the standard library: what is below /usr/local/lib, but for the interpreter itself."""
    paths = (f"{tree}/usr/local/lib/{name}" for tree in trees for name in stdlib.files_below(f"{tree}/usr/local/lib"))
    return sum(os.lstat(path).st_size for path in paths if not os.path.basename(path).startswith("libpython"))


def shared_libraries(root):
    found = set()
    for top in (f"{root}/lib", f"{root}/usr/lib"):
        paths = (os.path.join(top, name) for name in stdlib.files_below(top))
        found.update(os.path.realpath(path) for path in paths if ".so" in os.path.basename(path))
    return sum(os.path.getsize(path) for path in found if os.path.isfile(path))


if __name__ == "__main__":
    main()
