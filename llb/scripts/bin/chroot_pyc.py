"""Bytecode in place of sources.

chroot_pyc.py records ROOT RECORD…    compile what these RECORD files list
chroot_pyc.py packages ROOT NAME…     the same for installed packages, by name
chroot_pyc.py remove QUIET FILE…      remove each FILE that has a valid .pyc beside it
"""

import csv
import importlib.util
import os
import py_compile
import re
import sys
import warnings

SHARE = 32  # files that one process compiles


def say(*words):
    print(*words, file=sys.stderr)


def valid_pyc(path):
    """Whether path is bytecode that this version of Python loads: magic, then 12 bytes, then code."""
    try:
        with open(path, "rb") as f:
            head = f.read(17)
    except OSError:
        return False
    return len(head) == 17 and head.startswith(importlib.util.MAGIC_NUMBER)


def is_module(packages, path):
    """Whether path is imported, rather than data that happens to be Python, such as a template to copy.

    Data has a name that no import can spell, or is in a folder of templates that is no package.
    """
    parts = path[: -len(".py")].split("/")
    if not all(part.isidentifier() for part in parts):
        return False
    for n in range(1, len(parts)):
        folder = os.path.join(packages, *parts[:n])
        if folder.endswith(("template", "templates")) and not (
            os.path.exists(folder + "/__init__.py") or os.path.exists(folder + "/__init__.pyc")
        ):
            return False
    return True


def compile_one(root, source):
    """Writes source's .pyc beside it, or none. The path in it is the final image's."""
    try:
        py_compile.compile(
            source,
            cfile=source + "c",
            dfile=source[len(root):],
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    except (py_compile.PyCompileError, OSError, ValueError, RecursionError) as e:
        say("chroot-pip: kept as a source: %s: %s" % (source, str(e).strip().splitlines()[-1]))
        if os.path.lexists(source + "c"):
            os.remove(source + "c")


def compile_in_fork(root, sources):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        warnings.simplefilter("ignore")  # a package's own SyntaxWarnings are no news to who installs it
        for source in sources:
            compile_one(root, source)
        sys.stderr.flush()
        status = 0
    finally:
        os._exit(status)


def compile_all(root, groups):
    """Compiles, in forks of this process, which itself compiles nothing.

    The bytes vary with the strings that a process has seen. By forks that do a fixed share of one
    distribution each they depend neither on other distributions nor on the number of processors."""
    shares = [group[n : n + SHARE] for group in groups for n in range(0, len(group), SHARE)]
    running = 0
    while shares or running:
        if shares and running < (os.cpu_count() or 1):
            compile_in_fork(root, shares.pop(0))
            running += 1
            continue
        _, status = os.wait()
        running -= 1
        if status:
            sys.exit("chroot-pip: a compiling process died: wait status %d" % status)


def caches(path):
    """The names in __pycache__ that belong to a source."""
    return {importlib.util.cache_from_source(path, optimization=level) for level in ("", 1, 2)}


def record_line(path, name):
    import base64
    import hashlib

    with open(path, "rb") as f:
        data = f.read()
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return [name, "sha256=" + digest, str(len(data))]


def replace_sources(packages, record, rows, done):
    """Removes the compiled sources and has RECORD say so, for a later uninstall."""
    result, stale = [], set()
    for row in rows:
        path = os.path.join(packages, row[0])
        if path in done:
            stale |= caches(path)
            result.append(record_line(path + "c", row[0] + "c"))
        else:
            result.append(row)
    result = [row for row in result if os.path.join(packages, row[0]) not in stale]
    with open(record + ".new", "w", encoding="utf-8", newline="") as f:
        csv.writer(f, lineterminator="\n").writerows(result)
    os.chmod(record + ".new", os.stat(record).st_mode & 0o7777)
    os.replace(record + ".new", record)
    for path in [*done, *stale]:
        if os.path.lexists(path):
            os.remove(path)
    for folder in {os.path.dirname(path) for path in stale}:
        try:
            os.rmdir(folder)
        except OSError:
            pass  # never was there, or has something else in it


def optimize(root, records):
    jobs = []
    for record in records:
        packages = os.path.dirname(os.path.dirname(record))
        with open(record, encoding="utf-8", newline="") as f:
            rows = [row for row in csv.reader(f) if row]
        names = (row[0] for row in rows if row[0].endswith(".py") and is_module(packages, row[0]))
        sources = {os.path.join(packages, name) for name in names}
        jobs.append((packages, record, rows, sorted(s for s in sources if os.path.isfile(s))))
    compile_all(root, [job[3] for job in jobs])
    for packages, record, rows, sources in jobs:
        done = {source for source in sources if os.path.exists(source + "c")}
        if done:
            replace_sources(packages, record, rows, done)
    return 0


def optimize_packages(root, names):
    from importlib.metadata import distributions

    def normal(name):
        return re.sub(r"[-_.]+", "-", name).lower()

    packages = "%s%s/lib/python%d.%d/site-packages" % (root, sys.prefix, *sys.version_info[:2])
    installed = {normal(d.metadata["Name"]): d for d in distributions(path=[packages])}
    records = []
    for name in names:
        dist = installed.get(normal(name))
        record = dist and str(dist.locate_file(dist._path.name + "/RECORD"))
        if not record or not os.path.isfile(record):
            say("chroot-pip: not installed in %s by pip: %s" % (root, name))
            return 1
        records.append(record)
    # Afresh, for the bytes to be those of chroot-pip -O: see compile_all.
    os.execv(sys.executable, [sys.executable, "-I", "-S", "-B", __file__, "records", root, *records])


def remove(quiet, files):
    status = 0
    for path in files:
        problem = None
        if not path.endswith(".py"):
            problem = "not a .py file"
        elif not os.path.lexists(path):
            problem = "no such file"
        elif not os.path.isfile(path):
            problem = "not a file"
        if problem:
            say("remove-py-if-pyc-exists: %s: %s" % (problem, path))
            status = 1
        elif valid_pyc(path + "c"):
            os.remove(path)
            if not quiet:
                print("removed", path)
        elif not quiet:
            print("kept", path)
    return status


def main(verb, first, *rest):
    # What a path holds need not be text.
    sys.stdout.reconfigure(errors="surrogateescape")
    sys.stderr.reconfigure(errors="backslashreplace")
    if verb == "remove":
        return remove(first, rest)
    return {"records": optimize, "packages": optimize_packages}[verb](first, rest)


sys.exit(main(*sys.argv[1:]))
