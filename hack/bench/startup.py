"""Print, as a JSON list, the median time in seconds that the interpreter takes for each PROGRAM.

Arguments: RUNS PROGRAM...

Every program runs once before it is timed, which leaves bytecode and page cache warm.
"""

import json
import os
import statistics
import sys
import time


def run(program):
    started = time.perf_counter()
    child = os.posix_spawn(sys.executable, [sys.executable, "-I", "-c", program], os.environ)
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit(f"{program!r} failed with wait status {status}")
    return time.perf_counter() - started


def median(program, runs):
    run(program)
    return statistics.median(run(program) for _ in range(runs))


runs = int(sys.argv[1])
print(json.dumps([median(program, runs) for program in sys.argv[2:]]))
