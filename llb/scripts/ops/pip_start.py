"""Begin an op that runs pip: whoever imports this does so before all else.

pip's cache becomes root's own: what is built beside it must not be able to fill it. There is kept
the bytecode of what is imported from then on, which takes as long to compile as a small installation.
"""

import os

import pip_bytecode

cache = os.path.join(os.environ["CACHE_ROOT"], "pip")
os.makedirs(cache, exist_ok=True)
os.chmod(cache, 0o700)
os.environ["PIP_CACHE_DIR"] = cache
pip_bytecode.keep(cache)
