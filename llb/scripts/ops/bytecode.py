"""Compile Python sources to bytecode that is the same on every run.

Marshal output depends on the reference counts of interned strings, hence on
what else the compiling process has seen. So the work is split in a fixed way
over fresh interpreters that each compile their share in a fixed order: the
number of shares is a constant and never the number of processors.

The base image comes without bytecode, so every import of a module that is not
frozen into the interpreter compiles it first. Hence nothing here but what is:
json, subprocess and py_compile would take each worker longer to import than a
tenth of its share takes to compile.
"""

import marshal
import os
import sys
from importlib.util import MAGIC_NUMBER, source_hash

SHARES = 4

# Of a pyc: it is checked against its source by hash, and is not to be checked (PEP 552).
UNCHECKED_HASH = 0b01


def compile_files(jobs, interpreter_options=(), optional=False):
    """Compile jobs, a list of (source, target, display) paths.

    display is what co_filename, and so every traceback, will say. Pycs are
    unchecked-hash ones (PEP 552): the interpreter never compares them with a
    source, so file times do not matter. With optional, a source that is not valid
    Python is passed over: wheels hold templates and code for other versions.
    """
    command = [sys.executable, "-S", "-s", "-B", *interpreter_options, __file__]
    workers = [start(command, (share, optional)) for share in split(jobs)]
    if any([os.waitpid(worker, 0)[1] for worker in workers]):
        raise SystemExit("bytecode: not every source could be compiled, see above")


def optimization():
    """Return the options by which another interpreter optimizes as this one does."""
    return ("-O",) * sys.flags.optimize


def start(command, request):
    """Start a process with the request on its standard input."""
    theirs, ours = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, theirs, 0)]
    worker = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    os.close(theirs)
    with open(ours, "wb") as pipe:
        marshal.dump(request, pipe)
    return worker


def split(jobs):
    """Deal jobs into at most SHARES lists of about the same number of source bytes."""
    shares = [[0, []] for _ in range(SHARES)]
    sized = sorted(((os.path.getsize(job[0]), tuple(job)) for job in jobs), reverse=True)
    for size, job in sized:
        lightest = min(shares, key=lambda share: share[0])
        lightest[0] += size
        lightest[1].append(job)
    return [sorted(share) for _, share in shares if share]


def work():
    """Compile the jobs that stand on standard input."""
    failed = False
    jobs, optional = marshal.load(sys.stdin.buffer)
    for source, target, display in jobs:
        try:
            code = pyc(source, display)
        except Exception as error:  # whatever a compiler says of what is no Python
            if not optional:
                failed = True
                print(f"{display}: {error}", file=sys.stderr)
            continue
        write(target, code)
    sys.exit(failed)


def pyc(source, display):
    """Return the bytecode of source as the interpreter stores it."""
    with open(source, "rb") as file:
        data = file.read()
    code = compile(data, display, "exec", dont_inherit=True)
    head = MAGIC_NUMBER + UNCHECKED_HASH.to_bytes(4, "little") + source_hash(data)
    return head + marshal.dumps(code)


def write(path, data):
    try:
        file = open(path, "wb")
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        file = open(path, "wb")
    with file:
        file.write(data)


if __name__ == "__main__":
    work()
