"""Write the interpreter and its standard library without what no traced command opened.

The result goes to --out, and a report, trim.json, to --plan. It depends on nothing of an
application but what was opened: trim_libraries.py looks at the rest of the image.
"""

import argparse
import json
import os
import shutil
import sys
import sysconfig
import tempfile

import bytecode
import stdlib

HOOK, NAMES = "_distroless_trim", "_distroless_trimmed"

# On disk in every image: what tells of licences, and what is loaded at each start.
FIXED = {"LICENSE.txt", stdlib.LANDMARK, f"{stdlib.HOOK}.pyc"}

# What modules load only when they do a certain thing, such as look the name of a host up,
# which no command can do in a build. By the module that does it.
LATER = {
    "sysconfig": ("_sysconfigdata",),
    "socket": ("encodings.idna", "stringprep", "unicodedata"),
    "venv": ("ensurepip", "ensurepip._bundled", "ensurepip.__main__"),
}


def main():
    options = parse_options()
    lib = sysconfig.get_path("stdlib")
    tree = Tree(options, lib)
    wanted = Wanted(tree, options)
    kept = {path for path in tree.files if wanted.has(path)}
    left_out = sorted({tree.files[path] for path in set(tree.files) - kept} - {tree.files[path] for path in kept} - {""})

    write_tree(tree, kept, options.out)
    with tempfile.TemporaryDirectory() as work:
        names = compile_own(left_out, options, lib, work)
        write_archive(tree, kept, options, names)
    report(options, tree, kept, left_out)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interpreter", required=True, help="tree of what exists once per platform")
    parser.add_argument("--library", required=True, help="tree of the standard library, unpacked")
    parser.add_argument("--opened", action="append", required=True, metavar="FILE", help="that trace.py wrote")
    parser.add_argument("--keep", action="append", default=[], metavar="MODULE")
    parser.add_argument("--said", action="append", default=[], metavar="MODULE", help="one that says why it is not there")
    parser.add_argument("--compression", choices=("deflate", "store"), required=True)
    parser.add_argument("--python-dir", required=True, help="our own modules")
    parser.add_argument("--plan", required=True)
    parser.add_argument("--out", required=True)
    return parser.parse_args()


class Tree:
    """The files that can be left out, and the others, by their paths in the image."""

    def __init__(self, options, lib):
        self.lib = lib
        self.zip = stdlib.zip_path("/", lib)
        self.places = {}  # the path in the image: where the file is
        for top in (options.interpreter, options.library):
            for name in stdlib.files_below(top):
                self.places[f"/{name}"] = os.path.join(top, name)
        self.files = {path: module_of(path, self) for path in self.places if self.may_go(path)}

    def may_go(self, path):
        if path.startswith(self.zip + "/"):
            return True
        below = path.removeprefix(self.lib + "/")
        return below != path and below not in FIXED and not below.startswith("site-packages/")


def module_of(path, tree):
    """Return the name by which a module is imported, or "" of what is none."""
    for top in (f"{tree.lib}/lib-dynload", tree.zip, tree.lib):
        if path.startswith(top + "/"):
            name = path.removeprefix(top + "/")
            break
    if name.startswith("_sysconfigdata_"):
        return "_sysconfigdata"  # the rest of it is the platform
    if not name.endswith((".pyc", ".so")):
        return ""
    folder, _, file = name.rpartition("/")
    parts = folder.split("/") if folder else []
    stem = file.partition(".")[0]
    return ".".join(parts if stem == "__init__" else [*parts, stem])


class Wanted:
    """What has to stay."""

    def __init__(self, tree, options):
        self.tree = tree
        self.keep = options.keep
        self.opened = stdlib.opened(options.opened)
        modules = {module_of(path, tree) for path in self.opened if path.startswith((tree.zip + "/", tree.lib + "/"))}
        if "encodings" not in modules:
            sys.exit(
                "trim: the traces do not have what every start of Python opens: it cannot be traced on this builder, as"
                f" the image is not for the machine {os.uname().machine} of its kernel, but for one that the kernel runs as well"
            )
        for module, later in LATER.items():
            if module in modules or stdlib.within(module, options.keep):
                modules.update(later)
        for module in [*modules, *options.keep, *options.said]:
            modules.update(parents(module))
        modules.update(options.said)
        self.modules = modules

    def has(self, path):
        module = self.tree.files[path]
        if module:
            return module in self.modules or stdlib.within(module, self.keep)
        folder = os.path.dirname(path).removeprefix(self.tree.lib).strip("/").replace("/", ".")
        return path in self.opened or stdlib.within(folder, self.keep)


def parents(module):
    while "." in module:
        module = module.rpartition(".")[0]
        yield module


def write_tree(tree, kept, out):
    """Write what is not in the zip."""
    for path, place in tree.places.items():
        if path.startswith(tree.zip + "/") or path in tree.files and path not in kept:
            continue
        os.makedirs(os.path.dirname(out + path), exist_ok=True)
        shutil.copy(place, out + path, follow_symlinks=False)


def compile_own(left_out, options, lib, work):
    """Write the hook that tells of modules that are left out, and return where their names are compiled to."""
    with open(f"{work}/{NAMES}.py", "w") as file:
        file.write(f"NAMES = {' '.join(left_out)!r}\n")
    jobs = [
        (f"{work}/{NAMES}.py", f"{work}/{NAMES}.pyc", f"{lib}/{NAMES}.py"),
        (f"{options.python_dir}/{HOOK}.py", f"{options.out}{lib}/{HOOK}.pyc", f"{lib}/{HOOK}.py"),
    ]
    bytecode.compile_files(jobs, stdlib.SMALL)
    with open(f"{options.out}{lib}/site-packages/distroless-trim.pth", "w") as file:
        file.write(f"import {HOOK}\n")
    return f"{work}/{NAMES}.pyc"


def write_archive(tree, kept, options, names):
    zipped = {path.removeprefix(tree.zip + "/"): tree.places[path] for path in kept if path.startswith(tree.zip + "/")}
    stdlib.write_zip({**zipped, f"{NAMES}.pyc": names}, options.out + tree.zip, options.compression)


def report(options, tree, kept, left_out):
    modules = sorted({tree.files[path] for path in kept} - {""})
    data = sorted(path for path, module in tree.files.items() if not module and path not in kept)
    with open(f"{options.plan}/trim.json", "w") as file:
        json.dump({"modules": {"kept": modules, "left-out": left_out}, "data": {"left-out": data}}, file)


if __name__ == "__main__":
    main()
