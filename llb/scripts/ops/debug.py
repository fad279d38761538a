"""Add pip and the sources of the standard library of the image at BASE to the one at ROOT.

Usage: debug.py ROOT BASE FOREIGN [TREE]...

A source goes to where the bytecode of ROOT says it comes from, which is where tracebacks and
debuggers look, if that bytecode was compiled from it. The zip stays first on sys.path, so
what is imported is the same, but for ensurepip, whose stub would have no pip to give. Beside
these go the sources of the modules FOREIGN, which has a comma between any two, and the
settings that the interpreter was built with. ROOT gets back what trim has left out of the TREEs.
"""

import glob
import importlib.util
import os
import shutil
import sys
import sysconfig
import zipfile

import bytecode

# What has the interpreter say that a module was left out: see trim.py.
TRIM_HOOK = "distroless-trim.pth"

# Of a pyc: magic number, flags, hash of the source.
HASH = slice(8, 16)


def main(root, base, foreign, *trees):
    lib, purelib = sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")
    library = f"{root}{lib.replace('.', '')}.zip"
    if trees:
        undo_trim(root, trees, f"{root}{purelib}/{TRIM_HOOK}")
    if os.path.exists(library):  # it is not beside sources
        add_sources_of_zip(library, base + lib, root + lib)
    add_sources_beside_zip(base + lib, root + lib)
    add_foreign_sources(foreign.split(","), base + lib, root + lib)
    add_build_settings(base, root, lib)
    if os.path.exists(f"{base}{lib}/ensurepip"):
        add_ensurepip(base, root, lib, library)
    if not os.path.exists(f"{root}{purelib}/pip"):
        add_pip(base, root, purelib)


def undo_trim(root, trees, hook):
    """Add what is not there, and have the whole zip. No layer can take the hook away: it becomes empty."""
    for tree in trees:
        for folder, _, files in os.walk(tree):
            for name in files:
                source = os.path.join(folder, name)
                target = root + source.removeprefix(tree)
                if name.endswith(".zip"):
                    os.unlink(target)
                copy(source, target)
    with open(hook, "w"):
        pass


def add_sources_of_zip(path, base, root):
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if name.endswith(".pyc"):
                add_source(name[:-1], archive.read(name), base, root)


def add_sources_beside_zip(base, root):
    """What has no zip in its way is looked for as a source first: there it needs its bytecode in a cache."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in ("__pycache__", "site-packages", "lib-dynload"))
        for name in sorted(files):
            path = os.path.join(folder, name)
            if name.endswith(".pyc") and add_source(os.path.relpath(path, root)[:-1], read(path), base, root):
                add_to_cache(path)


def add_source(name, compiled, base, root):
    """Copy a source, if it is what the bytecode was compiled from. Stubs were not."""
    source = os.path.join(base, name)
    if not os.path.exists(source) or importlib.util.source_hash(read(source)) != compiled[HASH]:
        return False
    copy(source, os.path.join(root, name))
    return True


def add_to_cache(path):
    """With any -O, as without, the interpreter has this one bytecode."""
    plain, *optimized = (importlib.util.cache_from_source(path[:-1], optimization=o) for o in ("", 1, 2))
    copy(path, plain)
    for cached in optimized:
        os.link(plain, cached)


def add_foreign_sources(modules, base, root):
    """No system that the image is for can import them. Tools that list a package expect them."""
    for module in modules:
        name = module.replace(".", "/") + ".py"
        if os.path.exists(os.path.join(base, name)):
            copy(os.path.join(base, name), os.path.join(root, name))


def add_build_settings(base, root, lib):
    """What sysconfig names: the interpreter may be of another platform, and so these names."""
    include = sysconfig.get_path("include")
    for source in sorted((*glob.glob(f"{base}{lib}/config-*/Makefile"), *glob.glob(f"{base}{include}/pyconfig.h"))):
        copy(source, root + source.removeprefix(base))


def add_ensurepip(base, root, lib, library):
    """Have that of the base instead of the stub, wherever that is."""
    if os.path.exists(library):
        take_from_zip(library, "ensurepip/")
    shutil.rmtree(f"{root}{lib}/ensurepip", ignore_errors=True)
    add_package(f"{base}{lib}/ensurepip", base, root)


def take_from_zip(path, folder):
    whole = path + ".whole"
    os.rename(path, whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "x") as target:
        for entry in source.infolist():
            if not entry.filename.startswith(folder):
                target.writestr(entry, source.read(entry))
    os.chmod(path, os.stat(whole).st_mode & 0o777)
    os.unlink(whole)


def add_pip(base, root, purelib):
    tops = sorted(glob.glob(f"{base}{purelib}/pip") + glob.glob(f"{base}{purelib}/pip-*.dist-info"))
    if not tops:
        print("the base image has no pip: there will be none")
    for top in tops:
        add_package(top, base, root)
    scripts = sysconfig.get_path("scripts")
    for name in ("pip", "pip3", f"pip{sysconfig.get_python_version()}"):
        source, target = f"{base}{scripts}/{name}", f"{root}{scripts}/{name}"
        if os.path.exists(source) and not os.path.lexists(target):
            copy(source, target)


def add_package(top, base, root):
    """Copy a folder of the base, and compile it."""
    jobs = []
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(files):
            source = os.path.join(folder, name)
            display = source.removeprefix(base)
            copy(source, root + display)
            if name.endswith(".py"):
                jobs.append((source, root + importlib.util.cache_from_source(display), display))
    bytecode.compile_files(jobs, optional=True)


def copy(source, target):
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if not os.path.lexists(target):
        shutil.copyfile(source, target)
        os.chmod(target, os.stat(source).st_mode & 0o777)


def read(path):
    with open(path, "rb") as file:
        return file.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
