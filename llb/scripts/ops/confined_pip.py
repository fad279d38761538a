"""Run pip so that no build code it starts runs as what pip runs as.

Usage: confined_pip.py [--machine M] [--emulated] [--keep DIR [--keep-for M]] [--parts FILE] [--options-only]
                       [--logins JSON] [--root DIR] -- VERB ARG...

  --machine M  take wheels, and evaluate markers, for that machine (as uname -m says it)
  --emulated   an emulator executes this: see confine.py
  --keep DIR   put the wheels of all that something is built with into DIR
  --keep-for M put there what that machine needs to build it, too
  --parts FILE write there which folder of each file that is saved is wanted, as lines of JSON
  --options-only take the options of requirements files, such as where to look, and no requirement
  --logins JSON  who pip is to some hosts: see pip_credentials.py
  --root DIR   be the pip of the Python in DIR, as chroot-pip is
"""

import argparse
import json
import os
import subprocess
import sys

OPS = os.path.dirname(os.path.abspath(__file__))
BARE = ("-I", "-S", "-B")
VERSION_CONTROL = ("git", "hg", "svn", "bzr")

# Options of the `pip install` with which pip fills a build environment, and how many
# values each has, that `pip wheel` has not.
INSTALL_ONLY = {
    "--ignore-installed": 0,
    "--no-user": 0,
    "--no-warn-script-location": 0,
    "--no-compile": 0,
    "--prefix": 1,
    "--target": 1,
}


def main():
    options, args = parse(sys.argv[1:])
    if options.machine:
        be_on(options.machine)
    sys.path += [OPS, os.path.join(OPS, "..", "bin")]
    compile_once()
    import chroot_pip
    import pip_cache

    if options.root:
        chroot_pip.enter(options.root)
    sys.meta_path.insert(0, chroot_pip.BuilderPip)
    pip_cache.keep_no_logins()
    if options.logins:
        log_in(options.logins)
    if options.options_only:
        take_options_only()
    if options.keep:
        want_whole_pages()
        refuse_sources()
    if options.parts:
        write_parts(options.parts)
    subprocess.Popen = confining(options)
    if options.keep and options.nested:
        if options.keep_for and (status := keep_for_machine(options, args[1:])):
            sys.exit(status)
        if status := chroot_pip.run_pip(["wheel", "--wheel-dir", options.keep, *without_install_options(args[1:])]):
            sys.exit(status)
        args = ["install", "--no-index", "--find-links", options.keep, *without_sources(args[1:])]
    sys.exit(chroot_pip.run_pip(args))


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machine")
    parser.add_argument("--emulated", action="store_true")
    parser.add_argument("--keep")
    parser.add_argument("--keep-for", metavar="MACHINE")
    parser.add_argument("--parts")
    parser.add_argument("--options-only", action="store_true")
    parser.add_argument("--logins")
    parser.add_argument("--root")
    parser.add_argument("--nested", action="store_true", help="pip has started this")
    split = argv.index("--")
    return parser.parse_args(argv[:split]), argv[split + 1 :]


def keep_for_machine(options, args):
    """In a process of its own, since what it pretends to be on is not what the rest is for."""
    ours = ["--machine", options.keep_for, "--keep", options.keep, "--keep-for", options.keep_for]
    ours += ["--logins", options.logins] if options.logins else []
    verb = ["download", "--dest", options.keep, *without_install_options(args)]
    command = [*interpreter(), os.path.abspath(__file__), *ours, "--", *verb]
    return os.spawnv(os.P_WAIT, command[0], command)


def be_on(machine):
    """Everything in pip that asks for the machine asks one of these two."""
    import platform
    import sysconfig

    sysconfig.get_platform = lambda: "linux-" + machine
    platform.machine = lambda: machine


def compile_once():
    """Keep the bytecode of pip, of the version that is here and not in a root."""
    import pip_bytecode

    if cache := os.environ.get("PIP_CACHE_DIR"):
        pip_bytecode.keep(cache, "-" + pip_version())


def log_in(logins):
    import pip_credentials

    pip_credentials.use(pip_credentials.Logins(logins))


def want_whole_pages():
    """Of a page that breaks off pip would take the half it has, and so an older version.

    Of files it counts the bytes itself.
    """
    from pip._vendor.urllib3.connectionpool import HTTPConnectionPool

    class Response(HTTPConnectionPool.ResponseCls):
        def __init__(self, *args, **keywords):
            kind = (keywords.get("headers") or {}).get("Content-Type", "")
            if kind.startswith(("text/html", "application/vnd.pypi.simple")):
                keywords["enforce_content_length"] = True
            super().__init__(*args, **keywords)

    HTTPConnectionPool.ResponseCls = Response


def refuse_sources():
    """Have only-binary hold for what a URL or a path names, of which pip would run the backend."""
    from pip._internal.exceptions import InstallationError
    from pip._internal.operations.prepare import RequirementPreparer
    from pip._vendor.packaging.utils import canonicalize_name

    prepare = RequirementPreparer._prepare_linked_requirement

    def prepare_linked_requirement(self, req, *rest, **keywords):
        link = req.link
        name = req.name or link.filename.rpartition("-")[0]
        formats = self.finder.format_control.get_allowed_formats(canonicalize_name(name))
        # A folder is the project, which is built whatever else is not.
        if "source" not in formats and not (link.is_wheel or link.is_existing_dir()):
            raise InstallationError(f"only-binary refuses {link.filename} as {name}")
        return prepare(self, req, *rest, **keywords)

    RequirementPreparer._prepare_linked_requirement = prepare_linked_requirement


def take_options_only():
    """Have pip read requirements files as it always does, for what they say of indexes."""
    from pip._internal.req import req_file

    handle = req_file.handle_option_line

    def handle_option_line(opts, *rest, **keywords):
        opts.require_hashes = False  # is for what the files ask for
        handle(opts, *rest, **keywords)

    req_file.handle_option_line = handle_option_line
    req_file.handle_requirement_line = lambda *_: None


def write_parts(path):
    """Where a URL has a #subdirectory, all around it is saved, and the name says nothing of that."""
    from pip._internal.models.link import Link
    from pip._internal.operations.prepare import RequirementPreparer

    save = RequirementPreparer.save_linked_requirement

    def save_linked_requirement(self, req):
        link = req.link
        if link.is_vcs:
            # Of a repository pip would save but the folder, and what versions are told by is not in it.
            req.link = Link(link.url_without_fragment)
        save(self, req)
        req.link = link
        name = f"{req.name}-{req.metadata['version']}.zip" if link.is_vcs else link.filename
        with open(path, "a") as file:
            print(json.dumps([name, link.subdirectory_fragment or ""]), file=file)

    RequirementPreparer.save_linked_requirement = save_linked_requirement


def pip_version():
    import glob
    import sysconfig

    found = glob.glob(glob.escape(sysconfig.get_path("purelib")) + "/pip-*.dist-info")
    return os.path.basename(found[0]).removesuffix(".dist-info") if found else "pip"


def confining(options):
    """A Popen that confines every program but pip itself and what fetches repositories."""
    plain = subprocess.Popen

    class Popen(plain):
        def __init__(self, args, *rest, **keywords):
            super().__init__(confined(args, options), *rest, **keywords)

    return Popen


def confined(args, options):
    args = [args] if isinstance(args, str) else [os.fspath(arg) for arg in args]
    python = interpreter()
    if args[0] == sys.executable and os.path.basename(args[1]) == "__pip-runner__.py":
        ours = ["--nested"]
        ours += ["--emulated"] if options.emulated else []
        ours += ["--keep", options.keep] if options.keep else []
        ours += ["--keep-for", options.keep_for] if options.keep_for else []
        ours += ["--logins", options.logins] if options.logins else []
        return [*python, os.path.abspath(__file__), *ours, "--", *args[2:]]
    if args[0] in VERSION_CONTROL or args[0].startswith("/lib/ld-"):
        return args  # the latter says which C library this is
    emulated = ["--emulated"] if options.emulated else []
    return [*python, os.path.join(OPS, "confine.py"), *emulated, "--", *args]


def interpreter():
    """How to start another of our scripts: with nothing but the standard library."""
    if sys.pycache_prefix:
        return [sys.executable, "-I", "-S", "-X", "pycache_prefix=" + sys.pycache_prefix]
    return [sys.executable, *BARE]


def without_install_options(args):
    kept, skip = [], 0
    for arg in args:
        if skip:
            skip -= 1
        elif arg in INSTALL_ONLY:
            skip = INSTALL_ONLY[arg]
        else:
            kept.append(arg)
    return kept


def without_sources(args):
    """Drop where pip was told to look: it is to look into what was just kept."""
    kept, skip = [], 0
    for arg in args:
        if skip:
            skip -= 1
        elif arg in ("-i", "--index-url", "--extra-index-url", "--find-links"):
            skip = 1
        else:
            kept.append(arg)
    return kept


if __name__ == "__main__":
    main()
