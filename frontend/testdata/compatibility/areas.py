"""What the programs of this folder have in common: areas, and the running of them.

An area is a function that raises what does not work. Its docstring says what it does, and
from a line "But: …" on what is different from the base image, which it has to show as well.
"""

import json
import subprocess
import sys

AREAS = {}


def area(name):
    """Make a function the test of what is called that."""

    def register(function):
        AREAS[name] = function
        return function

    return register


def main():
    """Run the area of the first argument, or print what comes of each in a process of its own."""
    if sys.argv[1:]:
        AREAS[sys.argv[1]]()
        return
    results = []
    for name, function in AREAS.items():
        run = subprocess.run([sys.executable, sys.argv[0], name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        does, _, but = " ".join(function.__doc__.split()).partition(" But: ")
        failure = run.stdout if run.returncode else ""
        results.append({"name": name, "does": does, "but": but, "failure": failure})
    json.dump(results, sys.stdout)


def check(condition, *what):
    """Like assert, but not compiled out."""
    if not condition:
        raise RuntimeError(what)
