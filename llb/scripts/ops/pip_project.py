"""Build the project in a folder and install its wheel, without a network.

Usage: pip_project.py --project DIR --downloads DIR --root ROOT [--machine M --platform P]
           [--optimize N] [--drop-sources]

It is built as a source distribution is, with the wheels that pip_download.py left for
that. What it requires to run is installed by another.
"""

import pip_start  # before all else

import glob
import shutil

import pip_install

SOURCES = "/tmp/project"


def main():
    options = pip_install.parse("--project")
    built = pip_install.build(options, [copy(options.project)], "build on a node of that platform")
    pip_install.install(options, glob.glob(f"{built}/*.whl"))
    pip_install.compile_installed(options)


def copy(project):
    """Copy the sources to where a build may write: most leave something among them."""
    return shutil.copytree(project, SOURCES, symlinks=True)


if __name__ == "__main__":
    main()
