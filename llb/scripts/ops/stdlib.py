"""Write the standard library of the running interpreter, as bytecode, below --out.

With --base it is that of the interpreter of the image there, which must be one that
loads the bytecode of the running one: of the same X.Y, for whatever platform.

Most of it goes into one zip, which every CPython looks for first on sys.path
(pythonXY.zip beside pythonX.Y). What does not work out of a zip, or is needed
before one can be read quickly, lies beside it:

  os.pyc      the landmark by which the interpreter finds its prefix
  encodings   imported before anything else; its 120 files would also make the
              directory of the zip, which zipimport reads in Python, a third longer

and so do packages that open data files next to their modules. With --sources all of it
is on disk, as sources with their bytecode, and there is no zip.
"""

import argparse
import importlib.util
import os
import re
import shutil
import sys
import sysconfig
import zipfile
from importlib.util import MAGIC_NUMBER

import bytecode

# What is not written yet lies here: /tmp is of this op alone.
WORK = "/tmp/stdlib"

LANDMARK = "os.pyc"
HOOK = "_distroless_zipimport"
ON_DISK = {"encodings", "idlelib", "lib2to3", "pydoc_data", "venv"}

# Not the library's: what is installed into it, and C extensions and build
# settings, which belong to the interpreter of one platform.
NOT_STDLIB = re.compile(r"(__pycache__|site-packages|lib-dynload|config-.*|_sysconfigdata_.*\.py)$")

# zipfile refuses dates before 1980, so this is the zero of zip files.
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)

# Columns are only shown under a source line, and these modules come without
# source: leaving them out makes the zip a fifth smaller. Line numbers stay.
SMALL = ("-X", "no_debug_ranges")

STUB = """raise ModuleNotFoundError(
    "No module named {name!r}: {why}",
    name={name!r},
)
"""
# Of a module in a package: `from package import module` passes over its not being found, and has
# its own error, which says nothing of us.
STUB_IN_PACKAGE = """import sys

frame = sys._getframe()
while frame and (frame.f_globals is globals() or frame.f_code.co_filename.startswith("<frozen importlib.")):
    if frame.f_code.co_name == "_handle_fromlist":
        raise ImportError("cannot import name {module!r} from {package!r}: {why}", name={package!r})
    frame = frame.f_back
"""


def main():
    options = parse_options()
    lib = sysconfig.get_path("stdlib")
    sources = options.base + lib
    if options.base:
        check_bytecode(sources)
    modules, data = find_files(sources, options.sources)
    left_out = {name: WHY_LEFT_OUT for name in options.leave_out}
    left_out.update({name: WHY_EXCLUDED for name in options.exclude})
    check_excluded(options.exclude, modules)
    gone = [*left_out, *options.foreign]
    modules = {name: path for name, path in modules.items() if not within(module(name), gone)}
    data = {name: path for name, path in data.items() if not within(package(name), gone)}

    os.mkdir(WORK)
    modules.update(ensurepip_stub(options.python_dir, sources))
    modules.update(stubs(left_out, sources))
    tree = os.path.join(WORK, "tree")
    out = os.path.join(options.out, lib.lstrip("/"))
    os.makedirs(os.path.join(out, "site-packages"))
    if options.sources:
        os.mkdir(tree)
        data.update(modules)
        compile_beside(modules, lib, out)
    else:
        modules[f"{HOOK}.py"] = f"{options.python_dir}/{HOOK}.py"
        compile_tree(modules, lib, tree)
        have_site_import_hook(out)
        zipped = {name: os.path.join(tree, name) for name in files_below(tree) if not on_disk(name)}
        write_zip(zipped, zip_path(options.out, lib), options.compression)
    install_on_disk(tree, {**data, **license_file(sources)}, out)


WHY_LEFT_OUT = (
    "it is left out of the standard library of a distroless image."
    " Put {part!r} under stdlib.include in the spec to have it"
)
WHY_EXCLUDED = (
    "stdlib.exclude in the spec drops it from this image."
    " Take {part!r} off that list to have it"
)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="", help="root of the image to take the library of")
    parser.add_argument("--out", required=True, help="root of the tree to write")
    parser.add_argument("--python-dir", required=True, help="our own modules")
    parser.add_argument("--compression", choices=("deflate", "store"), required=True)
    parser.add_argument("--sources", action="store_true", help="keep sources")
    parser.add_argument("--leave-out", action="append", default=[], metavar="MODULE")
    parser.add_argument("--foreign", action="append", default=[], metavar="MODULE")
    parser.add_argument("--exclude", action="append", default=[], metavar="MODULE")
    return parser.parse_args()


def check_bytecode(lib):
    """Exit unless the library's interpreter loads the bytecode that the running one writes."""
    magic = int.from_bytes(MAGIC_NUMBER[:2], "little")
    theirs = magic_of(lib)
    if theirs != magic:
        sys.exit(
            f"the Pythons of the two platforms are of versions whose bytecode differs (its magic"
            f" number is {theirs} and {magic}): name a base image with one version for all platforms"
        )


def magic_of(lib):
    """Return the magic number of an interpreter's bytecode, which its sources say, or None."""
    header = lib.replace("/lib/", "/include/") + "/internal/pycore_magic_number.h"
    for path, pattern in (
        (f"{lib}/importlib/_bootstrap_external.py", r"MAGIC_NUMBER = \(?(\d+)"),  # to 3.13
        (header, r"#define PYC_MAGIC_NUMBER (\d+)"),
    ):
        if os.path.exists(path):
            with open(path) as file:
                found = re.search(pattern, file.read())
            if found:
                return int(found[1])
    return None


def find_files(lib, all_data):
    """Return the sources and the data files below lib, each {relative path: path}.

    Of the data that is what packages need which are on disk, or all_data but the wheel
    that ensurepip would install.
    """
    sources, data = {}, {}
    for folder, folders, files in os.walk(lib):
        folders[:] = sorted(f for f in folders if not NOT_STDLIB.match(f))
        for file in files:
            path = os.path.join(folder, file)
            name = os.path.relpath(path, lib)
            if NOT_STDLIB.match(name):
                continue
            if name.endswith(".py"):
                sources[name] = path
            elif (on_disk(name) or all_data) and not name.startswith(("venv/scripts/nt/", "ensurepip/")):
                data[name] = path
    return sources, data


def module(name):
    """a/b/__init__.py -> a.b"""
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def package(name):
    """a/b/data.txt -> a.b"""
    return os.path.dirname(name).replace("/", ".")


def within(dotted, parents):
    """Is dotted one of parents, or below one?"""
    return any(dotted == parent or dotted.startswith(parent + ".") for parent in parents)


def on_disk(name):
    return name in (LANDMARK, f"{HOOK}.pyc") or name.split("/")[0] in ON_DISK and "/" in name


def check_excluded(excluded, modules):
    """Exit with what is wrong with the list, if anything is."""
    if not excluded:
        return
    known = {module(name) for name in modules}
    needed = needed_to_start()
    for name in excluded:
        if name not in known:
            sys.exit(
                f"stdlib.exclude: {name!r} is not a module of the standard library"
                f" of Python {sys.version.split()[0]}"
            )
        if any(within(used, [name]) for used in needed):
            sys.exit(f"stdlib.exclude: without {name!r} the interpreter does not start")
        if name.partition(".")[0] == "ensurepip":
            sys.exit("stdlib.exclude: 'ensurepip' is a stub that venv needs, of a few hundred bytes")


def needed_to_start():
    """Return the modules that an interpreter has loaded when it has started, from a zip."""
    import subprocess  # not at the top: what few images need delays the compilation

    program = "import sys, zipimport, zlib; print(*sys.modules)"
    started = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True)
    return started.stdout.decode().split()


def stubs(left_out, lib):
    """Return a source for every left-out module of lib that says why it is not there."""
    written = {}
    for dotted, why in sorted(left_out.items()):
        path = dotted.replace(".", "/")
        exists = os.path.exists(f"{lib}/{path}.py") or os.path.exists(f"{lib}/{path}/__init__.py")
        if not exists or within(dotted.rpartition(".")[0], left_out):
            continue
        source = os.path.join(WORK, "stubs", path + ".py")
        os.makedirs(os.path.dirname(source), exist_ok=True)
        folder, _, name = dotted.rpartition(".")
        stub = STUB_IN_PACKAGE + STUB if folder else STUB
        with open(source, "w") as file:
            file.write(stub.format(name=dotted, package=folder, module=name, why=why.format(part=dotted)))
        written[path + ".py"] = source
    return written


def ensurepip_stub(python_dir, lib):
    """Return our ensurepip, which installs nothing but knows the version the base bundles."""
    bundled = os.path.join(WORK, "_bundled.py")
    with open(bundled, "w") as file:
        file.write(f"VERSION = {bundled_pip(lib)!r}\n")
    return {
        "ensurepip/__init__.py": f"{python_dir}/ensurepip/__init__.py",
        "ensurepip/__main__.py": f"{python_dir}/ensurepip/__main__.py",
        "ensurepip/_bundled.py": bundled,
    }


def bundled_pip(lib):
    """Return the version in the name of the bundled wheel, or ask ensurepip itself."""
    folder = f"{lib}/ensurepip/_bundled"
    names = os.listdir(folder) if os.path.isdir(folder) else ()
    wheels = [name for name in names if name.startswith("pip-") and name.endswith(".whl")]
    if len(wheels) == 1:
        return wheels[0].split("-")[1]
    import ensurepip  # not at the top: without bytecode of its own this takes a while

    return ensurepip.version()


def compile_tree(modules, lib, tree):
    jobs = [(path, f"{tree}/{name}c", f"{lib}/{name}") for name, path in modules.items()]
    bytecode.compile_files(jobs, (*SMALL, *bytecode.optimization()))


def compile_beside(modules, lib, out):
    """Compile to where the interpreter looks for the bytecode of a source."""
    targets = {name: importlib.util.cache_from_source(f"{out}/{name}") for name in modules}
    jobs = [(path, targets[name], f"{lib}/{name}") for name, path in modules.items()]
    bytecode.compile_files(jobs, bytecode.optimization())


def zip_path(root, lib):
    """/usr/local/lib/python3.13 -> ROOT/usr/local/lib/python313.zip"""
    return os.path.join(root, lib.lstrip("/").replace(".", "") + ".zip")


def write_zip(files, path, compression):
    """Write a zip of files, {name in it: path}."""
    method = {"deflate": zipfile.ZIP_DEFLATED, "store": zipfile.ZIP_STORED}[compression]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with zipfile.ZipFile(path, "x", method) as archive:
        for name, source in sorted(files.items()):
            entry = zipfile.ZipInfo(name, ZIP_EPOCH)
            entry.compress_type = method
            entry.create_system = 3  # Unix, whatever the interpreter thinks it runs on
            entry.external_attr = 0o100644 << 16
            with open(source, "rb") as file:
                archive.writestr(entry, file.read())
    os.chmod(path, 0o644)


def files_below(tree):
    for folder, _, files in os.walk(tree):
        for file in files:
            yield os.path.relpath(os.path.join(folder, file), tree)


def opened(files):
    """Return all paths that files of trace.py have."""
    paths = set()
    for path in files:
        with open(path) as file:
            paths.update(file.read().splitlines())
    return paths


def license_file(lib):
    path = os.path.join(lib, "LICENSE.txt")
    return {"LICENSE.txt": path} if os.path.exists(path) else {}


def install_on_disk(tree, data, out):
    files = {name: os.path.join(tree, name) for name in files_below(tree) if on_disk(name)}
    for name, path in {**files, **data}.items():
        target = os.path.join(out, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(path, target)
        os.chmod(target, 0o644)


def have_site_import_hook(out):
    """The hook halves the time of an import out of the zip."""
    with open(os.path.join(out, "site-packages", "distroless-zipimport.pth"), "w") as file:
        file.write(f"import {HOOK}\n")


if __name__ == "__main__":
    main()
