"""Where what pip speaks of is in the files that it was given."""

import os
import re
import sys


def place_of(requirement, failed):
    """Split "six==9 (from -r a.txt (line 2))", which pip also says in a longer form above."""
    for text in (requirement, *(m for m, in failed.finds(r"satisfies the requirement (.*?) \(from versions"))):
        if m := re.match(r"(.*?) \(from -r (\S+) \(line (\d+)\)\)", text):
            return requirement.partition(" (from")[0], f"{m[2]}:{m[3]}: "
    requirement, _, parent = requirement.partition(" (from")
    return requirement, "" if parent else line_of_project(requirement)


def line_of(word):
    """The place of a word in the files that pip was given."""
    return next((place for place, line in lines_given() if word in line), "")


def line_of_project(requirement):
    """That of the first line that asks for a project."""
    name = project(requirement)
    return next((place for place, line in lines_given() if name and project(line) == name), "")


def project(requirement):
    name = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", requirement)
    return re.sub(r"[-_.]+", "-", name[1]).lower() if name else None


def lines_given():
    """The lines of requirements files, each with its place. pip has the folder to itself."""
    texts, constraints = {}, set(given("--constraint"))
    for folder, _, files in os.walk("."):
        for name in files:
            path = os.path.normpath(os.path.join(folder, name))
            if not name.endswith((".whl", ".zip", ".gz", ".pem")):
                with open(path, errors="replace") as file:
                    texts[path] = file.read()
    for path, text in texts.items():
        for named in re.findall(r"(?m)^\s*(?:-c|--constraint)[\s=]*(\S+)", text):
            constraints.add(os.path.normpath(os.path.join(os.path.dirname(path), named)))
    for path in sorted(texts.keys() - constraints):
        for number, line in enumerate(texts[path].splitlines(), 1):
            yield f"{by_lock(path)}:{number}: ", line


def by_lock(text):
    """Say the name of a lock where there is that of the file made of it, which has the same lines."""
    for lock in given("--lock"):
        text = text.replace(lock + ".txt", lock)
    return text


def given(option):
    """The values of an option of ours, or of pip."""
    return [arg.partition("=")[2] for arg in sys.argv if arg.startswith(option + "=")]
