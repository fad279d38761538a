"""Have `pip install --prefix "$BUILD_ROOT/usr/local"` install what the builder has as well.

Goes into the site-packages of the buildroot image, where a .pth file has every Python
import it. Whatever --prefix says, pip takes for installed what it finds on sys.path, so
what is among the builder's own packages would be missing in the root. chroot-pip looks
into the root instead and needs no such thing.
"""

import os
import sys


def prefixes(args):
    """The values of --prefix among args."""
    for arg, following in zip(args, args[1:] + [""]):
        if arg == "--prefix":
            yield following
        elif arg.startswith("--prefix="):
            yield arg[len("--prefix=") :]


def within(path, folder):
    return os.path.realpath(path).startswith(os.path.realpath(folder) + "/")


def main(root):
    args = getattr(sys, "orig_argv", [])  # sys.argv is not there yet
    if "install" in args and any(within(prefix, root) for prefix in prefixes(args)):
        os.environ.setdefault("PIP_IGNORE_INSTALLED", "1")


if os.environ.get("BUILD_ROOT"):
    main(os.environ["BUILD_ROOT"])
