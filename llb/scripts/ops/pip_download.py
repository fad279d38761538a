"""Download what pip resolves its arguments to, and all that this is built with.

Usage: pip_download.py --out DIR [--machine M --platform P [--emulated]] [--build-requires R]...
                       [--legacy] [--project DIR [--extra E]...] [--lock FILE]
                       [--logins JSON] [--cert FILE] [--client-cert FILE | --client-cert-secret FILE] -- ARG...

The ARGs are those of `pip download`. The Rs are what a project is built with, and --legacy
stands for what that is if it does not say it. The requirements of the project in DIR, with
extras E, are asked of its build backend. Below DIR there will be

  wheels/            wheels, to be installed as they are
  sdists/SHA256/     a source distribution each, to be built
  sdists/SHA256.json the folders in it that are to be, if it is not that at its top
  build/             wheels of all that these are built with; with --emulated, which says that
                     they are built on M, also what that machine needs for it

This has the network and the build secrets, so no code of a source distribution may run
as pip does: see confine.py. To resolve a source distribution pip has to ask its build
backend for its requirements; that is all of it that runs here.
"""

import pip_start  # before all else

import argparse
import glob
import hashlib
import json
import lzma
import os
import re
import shutil
import sys
import tarfile
import zipfile
import zlib

import pip_cache
import pip_credentials
import pip_places
import pip_project
import pip_run

# What pip, or the library it downloads with, says of a connection that broke.
BROKEN = re.compile(
    r"IncompleteRead|Connection broken|Download failed because not enough bytes|incomplete-download"
    r"|Read timed out|Connection reset|RemoteDisconnected|Max retries exceeded|5\d\d (Server|Internal)"
)
ATTEMPTS = 3

# What it says if one of the two does not trust the other, which will not change.
UNTRUSTED = re.compile(r"CERTIFICATE_VERIFY_FAILED|(?i:certificate[_ ](required|unknown|expired))")

# What pip says of a file that is not whole: of a wheel its name, of others just that, and not
# what a build backend says, which is indented.
DAMAGED = r"^ERROR: Wheel '\S+' located at (\S+) is invalid|^(?:zlib\.error|tarfile\.ReadError|EOFError|zipfile\.BadZipFile): "

# What pip says of a file that has another hash.
UNMATCHED = r"THESE PACKAGES DO NOT MATCH THE HASHES()"

# Where pip writes which folders of what it saves are wanted.
PARTS = "/tmp/parts"


def main():
    options, args = parse(sys.argv[1:])
    wheels = os.path.join(options.out, "wheels")
    build = os.path.join(options.out, "build")
    for folder in (wheels, build):
        os.mkdir(folder)
    ours = ["--keep", build]
    ours += ["--logins", options.logins] if options.logins else []
    try:
        log_in(options)
    except pip_credentials.Wrong as wrong:
        pip_run.die(f"pip: {wrong}")
    if options.project:
        args.append(pip_project.copy(options.project) + extras(options))
    try:
        fetch(options, ours, args, wheels, build)
    except Damaged as damaged:
        print(f"{damaged} is damaged: all is asked for again, and nothing taken of what pip kept", flush=True)
        pip_cache.forget()
        empty(wheels, build)
        fetch_again(options, ours, args, wheels, build)
    part_sources(wheels, os.path.join(options.out, "sdists"))


def fetch(options, ours, args, wheels, build):
    if requires := build_requires(options):
        download(options, [*ours, "--options-only"], "wheel", ["--wheel-dir", build, *sources(args), "--", *requires])
    ours = [*ours, "--parts", PARTS]
    ours += ["--machine", options.machine] if options.machine else []
    ours += ["--keep-for", options.machine] if options.emulated else []
    if asks(args):
        check_extras(options, download(options, ours, "download", ["--dest", wheels, *args]), wheels)
    for folder in (wheels, build):
        check_whole(folder)


def check_extras(options, lines, wheels):
    """To pip an extra that a project has not got is one with nothing in it. The project is not downloaded."""
    downloaded = {pip_places.project(name.partition("-")[0]) for name in os.listdir(wheels)}
    for line in lines:
        missing = re.search(r"WARNING: (\S+) \S+ does not provide the extra '(.*)'", line)
        if options.project and missing and pip_places.project(missing[1]) not in downloaded:
            pip_run.die(f"pip.extras: the project {missing[1]} has no extra {missing[2]!r}")


def fetch_again(options, ours, args, wheels, build):
    try:
        fetch(options, ours, args, wheels, build)
    except Damaged as damaged:
        pip_cache.forget()
        empty(wheels, build)
        pip_run.die(f"{damaged} is damaged: the index, or a proxy before it, does not send it as it is")


class Damaged(Exception):
    """A file is not whole; the message is its name."""


def empty(*folders):
    for folder in folders:
        for name in os.listdir(folder):
            os.remove(os.path.join(folder, name))


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    parser.add_argument("--machine", help="as uname -m says it, if it is another than this")
    parser.add_argument("--platform", help="the same for a human")
    parser.add_argument("--emulated", action="store_true", help="source distributions are built on that machine")
    parser.add_argument("--build-requires", action="append", default=[])
    parser.add_argument("--legacy", action="store_true")
    parser.add_argument("--project")
    parser.add_argument("--extra", action="append", default=[])
    parser.add_argument("--lock", help="what the requirements file of this name and .txt was made of")
    parser.add_argument("--logins", help="JSON: see pip_credentials.py")
    parser.add_argument("--cert", help="certificates of authorities, if the file is there")
    parser.add_argument("--client-cert", help="a certificate and its key, if the file is there")
    parser.add_argument("--client-cert-secret", help="the same of a secret that has to be there")
    split = argv.index("--")
    return parser.parse_args(argv[:split]), argv[split + 1 :]


def build_requires(options):
    if options.project:
        return []  # pip asks for them together with its requirements
    if not options.legacy:
        return options.build_requires
    # As pip has it, which is what builds.
    return ["setuptools>=40.8.0", *(["wheel"] if pip_run.version() < (23, 1) else [])]


def sources(args):
    """What tells pip where and how to look, if it takes but the options of requirements files."""
    asking = ("--constraint=", "--require-hashes", "--no-deps")
    return [arg for arg in args[: args.index("--")] if not arg.startswith(asking)]


def asks(args):
    """Do the arguments ask for anything? pip fails if not."""
    split = args.index("--")
    return args[split + 1 :] or any(arg.startswith("--requirement=") for arg in args[:split])


def extras(options):
    return f"[{','.join(options.extra)}]" if options.extra else ""


def log_in(options):
    """Take up the secrets, and know what not to show."""
    if options.client_cert_secret:
        pip_credentials.check_given(options.client_cert_secret)
    os.environ.update(pip_credentials.certificates(options.cert, options.client_cert_secret or options.client_cert))
    words = [*pip_credentials.Logins(options.logins).words(), *pip_credentials.netrc_words(os.environ["NETRC"])]
    hide = pip_credentials.hiding(words)
    options.hide = lambda line: pip_places.by_lock(hide(line))


def download(options, ours, verb, args):
    try:
        return retry_broken(options, ours, verb, args)
    except pip_run.Failed as failed:
        if found := failed.finds(DAMAGED):
            raise Damaged(os.path.basename(found[0][0] or "a file")) from None
        if failed.finds(UNMATCHED):  # that file may have been damaged, too
            pip_cache.forget()
        if not failed.finds("(No matching distribution)"):
            pip_run.die(explanation(options, failed))
    # To pip an index that cannot be read is one with nothing in it, unless it is asked for more.
    try:
        pip_run.run(ours, verb, args, diagnose=True, hide=options.hide)
    except pip_run.Failed as failed:
        pip_run.die(explanation(options, failed))


def retry_broken(options, ours, verb, args):
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return pip_run.run(ours, verb, args, hide=options.hide)
        except pip_run.Failed as failed:
            if attempt == ATTEMPTS or not any(BROKEN.search(line) and not UNTRUSTED.search(line) for line in failed.lines):
                raise
        print(f"The connection broke: attempt {attempt + 1} of {ATTEMPTS}", flush=True)


def explanation(options, failed):
    """One sentence that says what is wrong and what to do."""
    for words, explain in EXPLANATIONS:
        if found := failed.finds(words):
            return explain(options, failed, *found[0])
    return "pip: the download failed, see above"


def not_found(options, failed, requirement):
    requirement, where = pip_places.place_of(requirement, failed)
    if unreachable := failed.finds(r"Could not fetch URL (\S+): (.*?)(?: - skipping)?$"):
        url, why = unreachable[0]
        return f"{where}{requirement} was not found, and {url} could not be read: {why}"
    if others := failed.finds(r"Ignored the following versions that require a different python version: (.*)"):
        return f"{where}{requirement} was not found for Python {python()}; of other versions of Python there are: {others[0][0]}"
    if options.machine:
        return (
            f"{where}there is no wheel of {requirement} for {options.platform}, tag {tag(options.machine)}, nor a source"
            " distribution: choose a version that has one, or put a wheel into a folder of find-links"
        )
    return f"{where}nothing was found for {requirement}: neither a wheel for {tag(os.uname().machine)} nor a source distribution that pip may take"


def wrong_hash(options, failed, requirement):
    requirement, where = pip_places.place_of(requirement, failed)
    return f"{where}the hash of {requirement} is not the one required: the file was changed, or the requirements file is out of date"


def without_hash(options, failed, *_):
    return "in hash-checking mode every requirement needs a version (==) and a --hash: the lines that lack one are above"


def no_source(options, failed, filename, name):
    where = pip_places.line_of_project(name) or pip_places.line_of(filename)
    return f"{where}{filename} is no wheel, and only-binary takes nothing else: name a wheel of it"


def wrong_platform(options, failed, wheel):
    machine = options.machine or os.uname().machine
    return f"{pip_places.line_of(wheel)}{wheel} is not a wheel for this image: expected one for tag {tag(machine)} and Python {python()}"


def wrong_python(options, failed, project, python, required):
    wheels = failed.finds(r"Processing (\S+)")[-1:]
    where = pip_places.line_of(os.path.basename(wheels[0][0])) if wheels else ""
    return f"{where}{project} is not for this Python: it requires {required}, and the image has {python}"


def full_disk(options, failed, *_):
    return "the disk of the builder is full: make room, as with docker buildx prune, and build again"


def no_program(options, failed, program):
    return f"{program} is needed to fetch a requirement: add it to apk.build, as in apk: {{build: [{program}]}}"


def no_revision(options, failed, revision):
    name, where = last_asked(failed)
    return f"{where}the repository of {name} has no {revision}, see above: name a branch, a tag or a commit that it has"


def no_repository(options, failed, program):
    name, where = last_asked(failed)
    return (
        f"{where}{program} could not get the repository of {name}, see above. Logins and certificates of pip are not for"
        f" {program}: a private repository takes git+ssh and --ssh default"
    )


def unhashed_repository(options, failed, *_):
    _, where = last_asked(failed)
    return f"{where}a repository has no hash, and in hash-checking mode every requirement needs one: name an archive of it"


def no_project(options, failed, *_):
    name, where = last_asked(failed)
    return f"{where}{name} has neither pyproject.toml nor setup.py: a folder of it that has is named as in #subdirectory=FOLDER"


def last_asked(failed):
    """The name of what pip was at when it failed, and the place of that."""
    asked = failed.finds(r"(?:Collecting|Processing) (.*)")
    requirement, where = pip_places.place_of(asked[-1][0], failed) if asked else ("a requirement", "")
    return re.split("@? ", requirement)[0], where


def broken(options, failed, *_):
    return f"a download broke off in each of {ATTEMPTS} attempts: the index, or a proxy before it, does not send whole files"


def no_metadata(options, failed, *_):
    name, where = last_asked(failed)
    if name.startswith(pip_project.SOURCES):
        return "the requirements of the project could not be read, see above. Its build code runs without network and secrets"
    return (
        f"{where}the requirements of {name} could not be read, see above. It has no wheel"
        f" for tag {tag(options.machine or os.uname().machine)}, and its build code runs without network and secrets"
    )


EXPLANATIONS = (
    (r"(No space left on device)", full_disk),
    (UNMATCHED, lambda o, f, _: wrong_hash(o, f, first_unmatched(f))),
    (r"have a way to hash (version control) repositories", unhashed_repository),
    (r"In --require-hashes mode|Hashes are required()", without_hash),
    (r"only-binary refuses (\S+) as (\S*)", no_source),
    (r"ERROR: (\S+) is not a supported wheel", wrong_platform),
    (r"Package '(\S+)' requires a different Python: (\S+) not in '(.*)'", wrong_python),
    (r"Cannot find command '(\w+)'", no_program),
    (r"No matching distribution found for (.*)", not_found),
    (r"^\W*git (?:checkout|fetch) .*?(\S+) did not run successfully", no_revision),
    (r"^\W*(git|hg|svn|bzr) .* did not run successfully", no_repository),
    (r"(does not appear to be a Python project)", no_project),
    (r"(metadata-generation-failed|subprocess-exited-with-error)", no_metadata),
    (f"({BROKEN.pattern})", broken),
)


def first_unmatched(failed):
    """The line below the one that says that hashes do not match."""
    found = failed.finds(r"^ {4}([^\s@]+)(?: ?@ \S+)? from \S+( \(from .*\))?:$")
    return "".join(filter(None, found[0])) if found else "a requirement"


def python():
    return "%d.%d" % sys.version_info[:2]


def tag(machine):
    """The most telling of the tags a wheel may have for the machine."""
    libc = "musllinux_1_2" if glob.glob("/lib/ld-musl-*") else "manylinux"
    return f"cp{python().replace('.', '')}-{libc}_{machine}"


def check_whole(folder):
    """Keep a damaged file out of the result, which is cached: few indexes have hashes."""
    for name in sorted(os.listdir(folder)):
        if is_damaged(os.path.join(folder, name)):
            raise Damaged(name)


def is_damaged(path):
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return archive.testzip() is not None
        with tarfile.open(path) as archive:
            return not archive.getmembers()
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError):
        return True


def part_sources(wheels, sdists):
    """A folder by content gives pip, whose cache knows what it built by URL, the right wheel."""
    parts = wanted_parts()
    for name in sorted(os.listdir(wheels)):
        if not name.endswith(".whl"):
            path = os.path.join(wheels, name)
            with open(path, "rb") as file:
                folder = os.path.join(sdists, hashlib.sha256(file.read()).hexdigest())
            os.makedirs(folder, exist_ok=True)
            shutil.move(path, folder)
            if parts.get(name, {""}) != {""}:
                with open(folder + ".json", "w") as file:
                    json.dump(sorted(parts[name]), file)


def wanted_parts():
    """The folders of each file."""
    parts = {}
    if os.path.exists(PARTS):
        with open(PARTS) as file:
            for name, folder in map(json.loads, file):
                parts.setdefault(name, set()).add(folder)
    return parts


if __name__ == "__main__":
    main()
