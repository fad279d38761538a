"""Write the bytecode of the Python sources below a tree.

Usage: app_bytecode.py [--drop] TREE OUT [IMAGE]

OUT gets the pycs, in the __pycache__ folders where the interpreter looks for them.
With --drop it gets a copy of all of TREE as well, in which each module's pyc stands in
the place of its source. The bytecode is of the level of optimisation that this runs at.

Sources that are not valid Python are passed over. Owners and permissions of pycs are
those of their sources, and TREE is the root of an image to them. Folders have those of
TREE, or of IMAGE if it has the folder as well.
"""

import importlib.util
import os
import sys

import bytecode

# As many as a kernel follows: there may be circles.
MOST_LINKS = 40


def main(*args):
    drop = args[0] == "--drop"
    tree, out, *images = args[1:] if drop else args
    sources = find_sources(tree)
    dropped = replaceable(tree, sources) if drop else ()
    if drop:
        copy(tree, out)
    targets = {path: out + pyc_of(path, path in dropped).removeprefix(tree) for path in sources}
    jobs = [(source, target, source.removeprefix(tree)) for source, target in targets.items()]
    bytecode.compile_files(jobs, bytecode.optimization(), optional=True)
    for source, target in targets.items():
        if os.path.exists(target):
            own(target, source, 0o666)
            if source in dropped:
                os.unlink(out + source.removeprefix(tree))
    own_folders(out, [*images, tree])


def copy(tree, out):
    """Copy a tree as it is. The module subprocess would take longer to import than this takes."""
    if os.spawnlp(os.P_WAIT, "cp", "cp", "-a", f"{tree}/.", out):
        sys.exit("app_bytecode: the files could not be copied, see above")


def find_sources(tree):
    """The paths of the sources below tree, in order."""
    top = os.path.realpath(tree)
    found = []
    for folder, folders, files in os.walk(tree):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(files):
            path = os.path.join(folder, name)
            # A link may lead to where only the image has the file, or has another.
            inside = os.path.realpath(path).startswith(top + "/")
            if name.endswith(".py") and inside and os.path.isfile(path):
                found.append(path)
    return found


def replaceable(tree, sources):
    """Those whose bytecode can stand in their place: what is imported, and no link that stays leads to."""
    found = {path for path in sources if is_module(path) and not os.path.lexists(path + "c")}
    for folder, folders, files in os.walk(tree):
        for path in (os.path.join(folder, name) for name in folders + files):
            if os.path.islink(path) and path not in found:
                found -= led_to(tree, path)
    return found


def led_to(tree, link):
    """What a link leads over, and to. Links to absolute paths start at tree, which is the root of an image."""
    at, rest, links = tree, link.removeprefix(tree).split("/"), []
    while rest and len(links) < MOST_LINKS:
        path = os.path.normpath(os.path.join(at, rest.pop(0)))
        if not (path + "/").startswith(tree + "/"):
            path = tree  # as .. of a root is itself
        if os.path.islink(path):
            target = os.readlink(path)
            links.append(path)
            rest = target.split("/") + rest
            at = tree if target.startswith("/") else at
        else:
            at = path
    return {*links, at}


def is_module(path):
    """Is path imported, rather than a program, or data such as a template to copy?

    Those have names that no import can spell, or say what executes them.
    """
    if not os.path.basename(path).removesuffix(".py").isidentifier():
        return False
    with open(path, "rb") as file:
        return not (os.access(path, os.X_OK) and file.read(2) == b"#!")


def pyc_of(source, beside):
    """Where the interpreter looks for bytecode: with sources, and without."""
    return source + "c" if beside else importlib.util.cache_from_source(source)


def own(path, like, permissions):
    """Give path the owner and those of the permissions that another has."""
    status = os.stat(like)
    os.chown(path, status.st_uid, status.st_gid)
    os.chmod(path, status.st_mode & permissions)


def own_folders(out, trees):
    """Make folders like those of the first of trees that has them, and __pycache__ else like what it is in."""
    for folder, _, _ in os.walk(out):  # from above
        parent, name = os.path.split(folder)
        there = [tree + folder.removeprefix(out) for tree in trees]
        there = [path for path in there if os.path.isdir(path) and not os.path.islink(path)]
        if there:
            own(folder, there[0], 0o7777)
        elif name == "__pycache__":
            own(folder, parent, 0o777)


if __name__ == "__main__":
    main(*sys.argv[1:])
