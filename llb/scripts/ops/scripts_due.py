"""Fail if packages that were installed without their scripts need them to run.

Usage: scripts_due.py BEFORE ROOT PLATFORM

BEFORE is the root as it was, of which only the package database has to be there. Says
which packages of ROOT, for PLATFORM, have scripts that apk would have run.
"""

import fnmatch
import os
import sys

import apk_db


def main(before, root, platform):
    due = scripts_due(apk_db.installed_with_scripts(before), apk_db.installed_with_scripts(root))
    if not due:
        return
    listed = "".join(f"\n  {name}: {', '.join(sorted(kinds))}" for name, kinds in sorted(due.items()))
    arch = platform.split("/")[1]
    sys.exit(
        f"packages for {platform} have scripts that must run when they are installed:{listed}\n"
        f"This daemon is of another platform and emulates no {platform}. Have it do so"
        f" (docker run --privileged --rm tonistiigi/binfmt --install {arch}), build for {platform}"
        " on a builder that has a node of that platform, or do without these packages."
    )


def scripts_due(before, after):
    """Return the kinds of scripts to run by the name of their package."""
    due, changed = {}, set()
    for name, package in after.items():
        old = before.get(name)
        if old is None:
            kinds = {"pre-install", "post-install"}
        elif old.checksum != package.checksum:
            kinds = {"pre-upgrade", "post-upgrade"}
        else:
            continue
        changed.add(name)
        if package.scripts & kinds:
            due.setdefault(name, set()).update(package.scripts & kinds)
    for name, package in before.items():
        kinds = package.scripts & {"pre-deinstall", "post-deinstall"}
        if name not in after and kinds:
            due.setdefault(name, set()).update(kinds)
    for name in triggered(before, after, changed):
        due.setdefault(name, set()).add("trigger")
    return due


def triggered(before, after, changed):
    """Yield the packages whose trigger matches a folder that has changed.

    To a package that is new itself, every folder is.
    """
    every = {folder for package in after.values() for folder in package.folders}
    known = {folder for package in before.values() for folder in package.folders}
    touched = every - known
    for packages, names in ((after, changed), (before, changed | (before.keys() - after.keys()))):
        for name in names & packages.keys():
            touched.update(os.path.dirname(path) for path in packages[name].files)
    for name, package in after.items():
        if name == "busybox" and name not in changed:
            continue  # its trigger links applets that are missing, and none is
        folders = every if name in changed else touched
        if any(matches(folder, pattern) for folder in folders for pattern in package.triggers):
            yield name


def matches(folder, pattern):
    """As fnmatch(3) with FNM_PATHNAME: no wildcard matches a slash."""
    parts, patterns = ("/" + folder).split("/"), pattern.split("/")
    return len(parts) == len(patterns) and all(map(fnmatch.fnmatchcase, parts, patterns))


if __name__ == "__main__":
    main(*sys.argv[1:])
