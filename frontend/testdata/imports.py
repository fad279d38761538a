"""Try to import every module of the standard library, and print what happened as JSON.

The names are those that --names has, or else those there are. Each module at the top is
imported in a process of its own, followed by what is below it; so is every __main__.
"""

import json
import os
import pkgutil
import signal
import sys
import sysconfig

# antigravity opens a browser.
SKIPPED = {"antigravity"}
SECONDS = 60


def below(name, folder):
    for module in pkgutil.iter_modules([folder]):
        dotted = f"{name}.{module.name}" if name else module.name
        yield dotted
        if module.ispkg:
            yield from below(dotted, os.path.join(folder, module.name))


def all_names():
    names = set(sys.stdlib_module_names)
    for folder in (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib") + "/lib-dynload"):
        names.update(below("", folder))
    return sorted(names)


def attempt(name):
    """"ok", or what went wrong."""
    try:
        __import__(name)
    except SystemExit:
        return "ok"  # a __main__ has done its work
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return "ok"


def in_child(names):
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        nothing = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(nothing, fd)
        signal.alarm(SECONDS)
        sys.argv = ["imports", "--help"]
        with os.fdopen(writer, "w") as file:
            for name in names:
                file.write(json.dumps([name, attempt(name)]) + "\n")
                file.flush()
            os._exit(0)
    os.close(writer)
    results = dict.fromkeys(names, "died")
    with os.fdopen(reader) as file:
        results.update(json.loads(line) for line in file)
    os.waitpid(pid, 0)
    return results


def main():
    names = json.loads(sys.stdin.read()) if "--names" in sys.argv else all_names()
    groups = {}
    for name in names:
        if name not in SKIPPED:
            key = name if name.endswith("__main__") else name.partition(".")[0]
            groups.setdefault(key, []).append(name)
    results = {}
    for group in groups.values():
        results.update(in_child(group))
    json.dump(results, sys.stdout)


main()
