"""See trees that will be laid over one another as the one tree that they will be.

Imports next to nothing, for the reason that bytecode.py has.
"""

import os

# As many links as Linux follows in one path.
MAX_LINKS = 40


class Layers:
    """The files of an image by their absolute paths in it.

    files has where each regular file lies here, and layer the name of the layer it is of.
    """

    def __init__(self):
        self.files, self.layer, self.links = {}, {}, {}

    def add(self, name, top):
        """Lay the tree at top over what is there."""
        for folder, entries in walk(top):
            # A folder of one layer may be a link to a folder in another.
            folder = self.resolve(folder)
            for entry in entries:
                path = f"{folder}/{entry.name}"
                if entry.is_symlink():
                    self.links[path] = os.readlink(entry.path)
                    self.files.pop(path, None)
                else:
                    self.files[path] = entry.path
                    self.layer[path] = name
                    self.links.pop(path, None)

    def find(self, path):
        """Return the path of the regular file that a path leads to inside the image, or None."""
        path = self.resolve(path)
        return path if path in self.files else None

    def resolve(self, path):
        """Follow the links of a path, also if nothing is there."""
        done, rest, followed = "", path.split("/")[::-1], 0
        while rest:
            part = rest.pop()
            if part in ("", "."):
                continue
            if part == "..":
                done = done.rpartition("/")[0]
                continue
            target = self.links.get(f"{done}/{part}")
            if target is None:
                done = f"{done}/{part}"
                continue
            followed += 1
            if followed > MAX_LINKS:
                return ""
            if target.startswith("/"):
                done = ""
            rest += target.split("/")[::-1]
        return done


def walk(top):
    """Yield every folder, as a path below top, and the entries of its files and links."""
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        found = []
        with os.scandir(f"{top}{folder}") as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{folder}/{entry.name}")
                elif entry.is_symlink() or entry.is_file(follow_symlinks=False):
                    found.append(entry)
        yield folder, found
