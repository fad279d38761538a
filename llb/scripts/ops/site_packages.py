"""Add bytecode to what pip installed below a root.

Usage: site_packages.py [--drop] ROOT

The pycs lie in __pycache__, where the interpreter looks for them, so that no
import in the image has to compile anything, which a nonroot user could not keep.
With --drop they stand in the place of their sources, also in the lists of files that
packages have, other than of sources that stay. The bytecode is of the level of optimisation that this runs at.
"""

import glob
import importlib.util
import os
import subprocess
import sys
import sysconfig

import bytecode

REPLACE = os.path.join(os.path.dirname(__file__), "..", "bin", "chroot_pyc.py")


def main(*args):
    root, packages = args[-1], args[-1] + sysconfig.get_path("purelib")
    if args[0] == "--drop":
        replace_sources(root, packages)
    add_bytecode(root, packages)  # of what is still there


def add_bytecode(root, packages):
    jobs = []
    for folder, folders, files in os.walk(packages):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(files):
            if name.endswith(".py"):
                source = os.path.join(folder, name)
                target = importlib.util.cache_from_source(source)
                jobs.append((source, target, source.removeprefix(root)))
    bytecode.compile_files(jobs, bytecode.optimization(), optional=True)


def replace_sources(root, packages):
    """Have the command that does so for chroot-pip -O do it."""
    records = sorted(glob.glob(f"{glob.escape(packages)}/*.dist-info/RECORD"))
    command = [sys.executable, "-S", "-s", "-B", *bytecode.optimization(), REPLACE, "records", root, *records]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
