"""Build wheels of the source distributions that pip_download.py left, without a network.

Usage: pip_build.py --downloads DIR --out DIR

Each is built by a build backend that may do nothing but that: see confine.py. As a program
this is for an emulated machine.
"""

import argparse
import glob
import json
import os
import pathlib

import pip_run


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--downloads", required=True)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    pip_run.private_cache()
    build(options.downloads, options.out, emulated=True)


def build(downloads, out, paths=None, emulated=False):
    """Build each, or the folders and files at paths, in an environment of what was downloaded for it."""
    if paths is None:
        paths = [part for path in sorted(glob.glob(f"{downloads}/sdists/*/*")) for part in parts(path)]
    if not paths:
        return
    ours = ["--emulated"] if emulated else []
    args = ["--no-deps", "--no-index", f"--find-links={downloads}/build", f"--wheel-dir={out}", "--", *paths]
    try:
        pip_run.run(ours, "wheel", args)
    except pip_run.Failed as failed:
        if missing := failed.finds(r"No matching distribution found for (.*)"):
            pip_run.die(f"the build asks for {missing[0][0]}, which was not downloaded: name it in the requires of [build-system] in pyproject.toml")
        names = ", ".join(os.path.basename(path) for path in paths)
        pip_run.die(
            f"{failed_build(failed) or names} could not be built, see above. It is built without network and secrets, by a user"
            " who may write nowhere else, with the requirements of its pyproject.toml and the packages of apk.build"
        )


def parts(path):
    """A source distribution, or the folders of it that are one: pip has these as fragments of a URL."""
    try:
        with open(os.path.dirname(path) + ".json") as file:
            folders = json.load(file)
    except FileNotFoundError:
        return [path]
    return [pathlib.Path(path).as_uri() + (folder and "#subdirectory=" + folder) for folder in folders]


def failed_build(failed):
    found = failed.finds(r"Failed building wheel for (\S+)")
    return ", ".join(name for name, in found)


if __name__ == "__main__":
    main()
