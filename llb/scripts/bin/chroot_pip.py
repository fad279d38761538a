"""Runs the builder's pip as the pip of the Python in $BUILD_ROOT. Usage: chroot_pip.py OPTIMIZE ARG…

pip takes its environment from the interpreter that runs it: what sys.path has is installed, sys.prefix is
where to install and where scripts are removed from, sys.executable goes into the scripts. So the interpreter
is started bare (-I -S: standard library only) and then told that it lives in $BUILD_ROOT, before anything
can have looked. The option --prefix would not do: with it pip takes the builder's packages for installed
ones, and uninstalling removes scripts of the builder.

Build backends of source distributions run in new processes: those are plain runs of the builder's Python.
"""

import sys

BUILD_PREFIX = sys.prefix
VERSION = "python%d.%d" % sys.version_info[:2]


def enter(root):
    """Makes this interpreter the one of root; gives its site-packages directory."""
    sys.prefix = sys.exec_prefix = sys.base_prefix = sys.base_exec_prefix = root + BUILD_PREFIX
    # The path in the final image, for the first line of scripts. It is the builder's own path too.
    sys.executable = "%s/bin/%s" % (BUILD_PREFIX, VERSION)
    packages = "%s/lib/%s/site-packages" % (sys.prefix, VERSION)
    sys.path.append(packages)
    import site

    # pip hides these from isolated builds, which run on the builder.
    site.PREFIXES = [BUILD_PREFIX]
    return packages


class BuilderPip:
    """Finds the builder's pip and nothing else of the builder's packages."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "pip":
            return None
        from importlib.machinery import PathFinder

        return PathFinder.find_spec(name, ["%s/lib/%s/site-packages" % (BUILD_PREFIX, VERSION)])


def run_pip(args):
    """pip's exit status."""
    sys.meta_path.insert(0, BuilderPip)
    sys.argv = ["chroot-pip", *args]  # for pip's messages
    try:
        from pip._internal.cli.main import main
    except ImportError as e:
        print("chroot-pip: the builder has no pip:", e, file=sys.stderr)
        return 69
    try:
        return main(args)
    except SystemExit as e:
        return e.code


def records(packages):
    """The RECORD files of what is installed, each with a stamp that a new installation changes."""
    import glob
    import os

    found = {}
    for path in glob.glob(glob.escape(packages) + "/*.dist-info/RECORD"):
        st = os.stat(path)
        found[path] = (st.st_ino, st.st_ctime_ns)
    return found


def optimize(root, paths):
    """A fresh interpreter compiles: what marshal writes can depend on what a process did before."""
    import os
    import subprocess

    helper = os.path.join(os.path.dirname(os.path.abspath(__file__)), "chroot_pyc.py")
    return subprocess.call([sys.executable, "-I", "-S", "-B", helper, "records", root, *sorted(paths)])


def main():
    import os

    root = os.environ["BUILD_ROOT"]
    wanted, args = sys.argv[1], sys.argv[2:]
    packages = enter(root)
    before = records(packages)
    status = run_pip(args)
    if wanted:
        changed = [path for path, stamp in records(packages).items() if before.get(path) != stamp]
        if changed:
            status = optimize(root, changed) or status
    sys.exit(status)


if __name__ == "__main__":
    main()
