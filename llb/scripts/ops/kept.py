"""Open what a trimmed image has in any case, and what is to be kept. This is traced.

Usage: python -X frozen_modules=off kept.py [--script FILE] [MODULE]...

FILE is a script of ours that the image has, which imports what it needs at its top.

A MODULE is imported with all below it, which opens what it needs to be imported as well. What
its functions import is imported, too, since the module is to work and not only to be there. Its
code is also that of its own package, as far as that is imported by it.
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
    for name in working({m for m in modules if any(m == k or m.startswith(k + ".") for k in keep)}, modules):
        if name.rpartition(".")[2] != "__main__":
            open_module(name, keep)


def working(below, modules):
    """Return the names of modules that are kept, and of what they need to work, sorted."""
    scanned, found = set(), set(below)
    tops = {name.partition(".")[0] for name in below}
    while code := {name for name in found if name.partition(".")[0] in tops} - scanned:
        scanned |= code
        found |= set().union(*map(imported_by, sorted(code))) & modules
    return sorted(found)


def imported_by(module):
    """Return the absolute names of what the code of a module imports, anywhere in it."""
    import importlib.util  # not at the top: this is traced

    try:
        spec = importlib.util.find_spec(module)
        code = spec.loader.get_code(spec.name)
    except Exception:  # its package cannot be imported: open_module says so
        return set()
    package = spec.name if spec.submodule_search_locations is not None else spec.parent
    found = set()
    for level, names, name in imports(code) if code else ():
        if level:
            name = importlib.util.resolve_name("." * level + name, package)
        found.update((name, *(f"{name}.{each}" for each in names or ())))
    return found


def imports(code):
    """Yield level, names and module of each import, as __import__ has them."""
    import opcode

    extend, take = opcode.opmap["EXTENDED_ARG"], opcode.opmap["IMPORT_NAME"]
    load, small = opcode.opmap["LOAD_CONST"], opcode.opmap.get("LOAD_SMALL_INT")
    loaded, argument = [None, None], 0
    for operation, low in zip(code.co_code[::2], code.co_code[1::2]):
        argument = argument << 8 | low
        if operation == take:
            yield *loaded[-2:], code.co_names[argument]
        elif operation in (load, small):
            loaded.append(code.co_consts[argument] if operation == load else argument)
        if operation != extend:
            argument = 0
    for const in code.co_consts:
        if hasattr(const, "co_code"):
            yield from imports(const)


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
