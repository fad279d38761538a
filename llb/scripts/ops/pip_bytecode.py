"""Keep bytecode of what is imported, beside pip's cache: the base image comes without.

Imports next to nothing, for the reason that bytecode.py has.
"""

import os
import sys


def keep(cache, but=""):
    """Have it in a folder for this Python, and for what else can differ in files of one time and size."""
    sys.pycache_prefix = os.path.join(cache, "bytecode", sys.version.split()[0] + but)
    sys.dont_write_bytecode = False
