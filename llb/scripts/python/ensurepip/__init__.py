"""Stands in for ensurepip in a distroless image: venv works, pip is not installed."""

import sys

from ensurepip._bundled import VERSION as _VERSION

__all__ = ["version", "bootstrap"]

_HELP = """\
ensurepip: this is a distroless image, pip is not part of it.
To add packages, list them under pip.packages or pip.requirements in the spec of
the image, or install them into $BUILD_ROOT in a stage from its -buildroot image."""


def version():
    """Return the version of pip that the interpreter's own ensurepip would install."""
    return _VERSION


def bootstrap(
    *,
    root=None,
    upgrade=False,
    user=False,
    altinstall=False,
    default_pip=False,
    verbosity=0,
):
    """Install nothing, and say so. The arguments are those of CPython's ensurepip."""
    print(_HELP, file=sys.stderr)


def _uninstall_helper(*, verbosity=0):
    """Uninstall nothing, for `python -m ensurepip._uninstall`: nothing was installed."""


def _main(argv=None):
    """Accept what `python -m ensurepip` accepts, since venv calls it. Exit status 0."""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m ensurepip", description=_HELP)
    parser.add_argument("--version", action="version", version=f"pip {version()}")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    parser.add_argument("-U", "--upgrade", action="store_true")
    parser.add_argument("--user", action="store_true")
    parser.add_argument("--root")
    parser.add_argument("--altinstall", action="store_true")
    parser.add_argument("--default-pip", action="store_true")
    parser.parse_args(argv)
    bootstrap()
    return 0
