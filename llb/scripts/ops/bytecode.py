"""Compile Python sources to bytecode that is the same on every run.

Marshal output depends on the reference counts of interned strings, hence on
what else the compiling process has seen. So the work is split in a fixed way
over fresh interpreters that each compile their share in a fixed order: the
number of shares is a constant and never the number of processors.
"""

import json
import os
import py_compile
import subprocess
import sys

SHARES = 4


def compile_files(jobs, interpreter_options=(), optional=False):
    """Compile jobs, a list of (source, target, display) paths.

    display is what co_filename, and so every traceback, will say. Pycs are
    unchecked-hash ones (PEP 552): the interpreter never compares them with a
    source, so file times do not matter. With optional, a source that is not valid
    Python is passed over: wheels hold templates and code for other versions.
    """
    workers = []
    for share in split(jobs):
        command = [sys.executable, "-S", "-s", "-B", *interpreter_options, __file__]
        worker = subprocess.Popen(command, stdin=subprocess.PIPE)
        worker.stdin.write(json.dumps({"jobs": share, "optional": optional}).encode())
        worker.stdin.close()
        workers.append(worker)
    if any([worker.wait() for worker in workers]):
        raise SystemExit("bytecode: not every source could be compiled, see above")


def split(jobs):
    """Deal jobs into at most SHARES lists of about the same number of source bytes."""
    shares = [[0, []] for _ in range(SHARES)]
    sized = sorted(((os.path.getsize(job[0]), job) for job in jobs), reverse=True)
    for size, job in sized:
        lightest = min(shares, key=lambda share: share[0])
        lightest[0] += size
        lightest[1].append(job)
    return [sorted(share) for _, share in shares if share]


def work():
    """Compile the jobs that stand on standard input."""
    failed = False
    request = json.load(sys.stdin)
    for source, target, display in request["jobs"]:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        try:
            py_compile.compile(
                source,
                cfile=target,
                dfile=display,
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except py_compile.PyCompileError as error:
            if not request["optional"]:
                failed = True
                print(error.msg.rstrip(), file=sys.stderr)
    sys.exit(failed)


if __name__ == "__main__":
    work()
