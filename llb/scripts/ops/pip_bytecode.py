"""Keep bytecode of what is imported, beside pip's cache.

The base image comes without, and to compile what an op that runs pip imports takes as long as
a small installation does. So this is for the top of a script, before all other imports, and
imports next to nothing itself.
"""

import os
import sys


def keep(cache, but=""):
    """Have it in a folder for this Python, and for what else can differ in files of one time and size."""
    sys.pycache_prefix = os.path.join(cache, "bytecode", sys.version.split()[0] + but)
    sys.dont_write_bytecode = False


def keep_of_op():
    keep(os.path.join(os.environ["CACHE_ROOT"], "pip"))
