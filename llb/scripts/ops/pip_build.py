"""Build wheels of the source distributions that pip_download.py left, without a network.

Usage: pip_build.py --downloads DIR --out DIR

Each is built by a build backend that may do nothing but that: see confine.py. As a program
this is for an emulated machine.
"""

import pip_start  # before all else

import argparse
import glob
import hashlib
import json
import os
import pathlib
import re
import sys
import tarfile
import zipfile

import pip_run

APK_DATABASE = "/lib/apk/db/installed"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--downloads", required=True)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    build(options.downloads, options.out, emulated=True)


def build(downloads, out, paths=None, emulated=False):
    """Build each, or the folders and files at paths, in an environment of what was downloaded for it."""
    if paths is None:
        paths = [part for path in sorted(glob.glob(f"{downloads}/sdists/*/*")) for part in parts(path)]
    if not paths:
        return
    ours = ["--emulated"] if emulated else []
    args = ["--no-deps", "--no-index", f"--find-links={downloads}/build", f"--wheel-dir={out}"]
    args += [f"--cache-dir={wheel_cache(downloads)}", "--", *map(named, paths)]
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


def wheel_cache(downloads):
    """The part of pip's cache with the wheels that are built by and with the same as these.

    pip itself would take a wheel that was built before a package of apk.build was there.
    """
    with open(APK_DATABASE, "rb") as file:
        around = [sys.version, pip_run.version(), digest(file)]
    for path in sorted(glob.glob(f"{downloads}/build/*")):
        with open(path, "rb") as file:
            around.append((os.path.basename(path), digest(file)))
    cache = os.path.join(os.environ["PIP_CACHE_DIR"], "built", hashlib.sha256(json.dumps(around).encode()).hexdigest())
    for wheel in glob.iglob(f"{cache}/wheels/**/*.whl", recursive=True):
        # What is copied there is cut off by a full disk, or the end of the builder.
        if not zipfile.is_zipfile(wheel):
            os.remove(wheel)
    return cache


def digest(file):
    return hashlib.sha256(file.read()).hexdigest()


def named(path):
    """A source distribution as a requirement with its name: for one without, pip keeps no wheel."""
    if os.path.isfile(path) and tarfile.is_tarfile(path) and (name := distribution_name(path)):
        return f"{name} @ {pathlib.Path(path).as_uri()}"
    return path


def distribution_name(path):
    """What the metadata of a source distribution says, or None for archives of other kinds."""
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isfile() and re.fullmatch(r"[^/]+/PKG-INFO", member.name):
                return field("Name", archive.extractfile(member).read())


def field(name, metadata):
    """A field of the metadata of a distribution, or None."""
    head = metadata.decode("utf-8", "replace").partition("\n\n")[0]
    found = re.search(rf"(?mi)^{name}: *(\S+)\s*$", head)
    return found and found[1]


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
