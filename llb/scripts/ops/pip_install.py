"""Install what pip_download.py left, without a network.

Usage: pip_install.py --downloads DIR --root ROOT [--machine M --platform P] [--built DIR]
           [--optimize N] [--drop-sources]

Source distributions are built first, unless what was built of them is in --built.
"""

import pip_start  # before all else

import argparse
import glob
import os
import re
import subprocess
import sys
import zipfile

import pip_build
import pip_run


def main():
    options = parse()
    built = options.built or build(options)
    wheels = [*glob.glob(f"{options.downloads}/wheels/*.whl"), *glob.glob(f"{built}/*.whl")]
    install(options, sorted(wheels, key=os.path.basename))
    compile_installed(options)


def parse(*more):
    parser = argparse.ArgumentParser(description=__doc__)
    for option in more:
        parser.add_argument(option, required=True)
    parser.add_argument("--downloads", required=True)
    parser.add_argument("--root", required=True)
    parser.add_argument("--machine", help="as uname -m says it, if it is another than this")
    parser.add_argument("--platform", help="the same for a human")
    parser.add_argument("--optimize", type=int, default=0, help="level of the bytecode")
    parser.add_argument("--drop-sources", action="store_true", help="keep bytecode only")
    parser.add_argument("--built", help="wheels that pip_build.py made on the machine they are for")
    return parser.parse_args()


# What to do about a wheel that fits the machine only that it was built on.
ANOTHER_WHEEL = "choose a version that has a wheel for musllinux_1_2_{machine}, or put one into a folder of find-links"


def build(options, paths=None, instead=ANOTHER_WHEEL):
    """Return a folder of the wheels that are built here: see pip_build.py."""
    built = "/tmp/built"
    os.mkdir(built)
    pip_build.build(options.downloads, built, paths)
    if options.machine:
        check_pure(options, built, instead)
    return built


def check_pure(options, built, instead):
    """What was built here is for this machine, unless it is for all."""
    for path in sorted(glob.glob(f"{built}/*.whl")):
        tags = os.path.basename(path).removesuffix(".whl").rsplit("-", 3)[1:]
        if tags[2] != "any":
            name = "==".join(identity(path))
            pip_run.die(
                f"there is no wheel of {name} for {options.platform}, and its source distribution builds one that is for"
                f" {tags[2]} only: {instead.format(machine=options.machine)}"
            )


def install(options, wheels):
    if not wheels:
        return  # every requirement has a marker that is false here
    requirements = "/tmp/requirements.txt"
    with open(requirements, "w") as file:
        for path in wheels:
            file.write("{}==={}\n".format(*identity(path)))
    ours = ["--root", options.root]
    ours += ["--machine", options.machine] if options.machine else []
    folders = sorted({os.path.dirname(path) for path in wheels})
    args = [f"--find-links={folder}" for folder in folders]
    args += ["--no-index", "--no-deps", "--no-compile", "--no-warn-script-location", "-r", requirements]
    try:
        pip_run.run(ours, "install", args)
    except pip_run.Failed:
        pip_run.die("pip: the installation failed, see above")


def compile_installed(options):
    """Compile at the wanted level, which is that of the interpreter that compiles."""
    command = [sys.executable, *["-O"] * options.optimize, os.path.join(pip_run.OPS, "site_packages.py")]
    drop = ["--drop"] if options.drop_sources else []
    subprocess.run([*command, *drop, options.root], check=True)


def identity(wheel):
    """The name and version of a wheel, as it says itself."""
    with zipfile.ZipFile(wheel) as archive:
        path = next(name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        metadata = archive.read(path)
    return pip_build.field("Name", metadata), pip_build.field("Version", metadata)


if __name__ == "__main__":
    main()
