"""Add bytecode to what pip installed below a root.

Usage: site_packages.py ROOT

The pycs lie in __pycache__, where the interpreter looks for them, so that no
import in the image has to compile anything, which a nonroot user could not keep.
"""

import importlib.util
import os
import sys
import sysconfig

import bytecode


def main(root):
    purelib = sysconfig.get_path("purelib")
    jobs = []
    for folder, folders, files in os.walk(root + purelib):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(files):
            if name.endswith(".py"):
                source = os.path.join(folder, name)
                target = importlib.util.cache_from_source(source)
                jobs.append((source, target, source.removeprefix(root)))
    bytecode.compile_files(jobs, optional=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
