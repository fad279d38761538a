"""What the ops that run pip have in common."""

import os
import re
import subprocess
import sys

import confined_pip

OPS = os.path.dirname(os.path.abspath(__file__))

# Of no interest in a build, or, for bytecode, made by us in a reproducible way.
QUIET = ("--disable-pip-version-check", "--no-input", "--no-color")

class Failed(Exception):
    """pip did not do it; the lines are what it said."""

    def __init__(self, lines):
        super().__init__()
        self.lines = lines

    def finds(self, pattern):
        """The matches of a pattern in pip's words, each once and in order."""
        return list(dict.fromkeys(m.groups() for line in self.lines for m in re.finditer(pattern, line)))


def run(options, verb, args, diagnose=False, hide=lambda line: line):
    """Run pip confined and show what it says, or only keep all that it could say. Return the lines."""
    # Source distributions without a pyproject.toml are built in an environment of their own
    # too, whatever the version of pip.
    environ = {**os.environ, "PIP_USE_PEP517": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    command = [*confined_pip.interpreter(), os.path.join(OPS, "confined_pip.py"), *options, "--", verb, *QUIET, *(["-vv"] if diagnose else []), *args]
    pip = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    lines = []
    for line in map(hide, pip.stdout):
        lines.append(line.rstrip())
        if not diagnose:
            sys.stdout.write(line)
            sys.stdout.flush()
    if pip.wait() != 0:
        raise Failed(lines)
    return lines


def version():
    """That of pip, as a tuple of numbers."""
    return tuple(int(number) for number in re.findall(r"\d+", confined_pip.pip_version())[:2])


def die(message):
    sys.exit("\n" + message)
