"""Open what a trimmed image has in any case, and what is to be kept. This is traced.

Usage: python -X frozen_modules=off kept.py [--script FILE] [MODULE]...

FILE is a script of ours that the image has, which imports what it needs at its top.

A MODULE is imported with all below it, which opens what it needs to be imported as well. What
its functions import is imported, too, since the module is to work and not only to be there.
"""

import importlib
import os
import sys

# What the interpreter starts with, from a zip too, and what it tells of an error with.
ALWAYS = (
    *("os", "site", "codecs", "runpy", "importlib.util", "importlib.machinery", "zipimport", "zlib"),
    *("traceback", "linecache", "tokenize", "warnings"),
    *("ast", "unicodedata"),  # which traceback imports for some lines, such as one that is not ASCII
)
# Of text, which no command can be expected to have in all forms.
CODECS = ("ascii", "latin_1", "utf_8", "utf_8_sig", "utf_16", "utf_16_le", "utf_16_be", "utf_32", "cp437", "cp1252")


def main(script, keep):
    modules = known()
    for name in keep:
        check(name, modules)
    for name in (*ALWAYS, *(f"encodings.{codec}" for codec in CODECS)):
        try:
            importlib.import_module(name)
        except ImportError:
            pass  # stdlib.exclude drops it
    if script:
        with open(script) as file:
            exec(compile(file.read(), script, "exec"), {"__name__": "script"})
    below = sorted(m for m in modules if any(m == k or m.startswith(k + ".") for k in keep))
    for name in (*below, *sorted(imported_later(below) & modules)):
        if name.rpartition(".")[2] != "__main__":
            open_module(name, keep)


def imported_later(names):
    """Return what the code of modules imports by absolute names, anywhere in it."""
    if not names:
        return set()
    import importlib.util  # not at the top: this is traced
    import opcode

    extend, take = opcode.opmap["EXTENDED_ARG"], opcode.opmap["IMPORT_NAME"]
    specs = [importlib.util.find_spec(name) for name in names]
    codes = [spec.loader.get_code(spec.name) for spec in specs]
    found = set()
    for code in filter(None, codes):
        codes.extend(const for const in code.co_consts if hasattr(const, "co_code"))
        argument = 0
        for operation, low in zip(code.co_code[::2], code.co_code[1::2]):
            argument = argument << 8 | low
            if operation == take:
                found.add(code.co_names[argument])
            if operation != extend:
                argument = 0
    return found


def open_module(name, keep):
    try:
        importlib.import_module(name)
    except Exception as error:  # it may need what is not there, or not be for this platform
        if name in keep:
            sys.exit(f"trim.keep: {name!r} cannot be imported: {error}")
        print(f"trim.keep: {name} is kept, but cannot be imported: {error}")


def known():
    """Return the names of all modules that there are as files."""
    stdlib = os.path.dirname(os.__file__)
    tops = {
        next(path for path in sys.path if path.endswith(".zip")),
        stdlib,
        os.path.join(stdlib, "lib-dynload"),
    }
    return set().union(*(modules_below(top) for top in tops))


def modules_below(top):
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name not in ("site-packages", "lib-dynload")]
        parts = os.path.relpath(folder, top).split("/") if folder != top else []
        for file in files:
            name, _, suffix = file.partition(".")
            if suffix.endswith(("pyc", "so")):
                yield ".".join(parts if name == "__init__" else [*parts, name])


def check(name, modules):
    if name in modules:
        return
    if name.partition(".")[0] in sys.builtin_module_names:
        sys.exit(f"trim.keep: {name!r} is built into the interpreter, and so in every image: take it off the list")
    import difflib  # not at the top: this is traced

    near = difflib.get_close_matches(name, sorted(modules), 1)
    hint = f", did you mean {near[0]}?" if near else ""
    sys.exit(
        f"trim.keep: {name!r} is not a module of the standard library"
        f" of Python {sys.version.split()[0]}{hint}"
    )


if __name__ == "__main__":
    words = sys.argv[1:]
    with_script = words[:1] == ["--script"]
    main(words[1] if with_script else "", words[2:] if with_script else words)
