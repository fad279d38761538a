"""Find what a dynamic loader would find in an image, without executing any of it.

musl's loader is what Alpine has (musl's ldso/dynlink.c is its only specification). Of glibc's
it is enough to know which folders it searches.

Imports next to nothing, for the reason that bytecode.py has.
"""

MUSL = "ld-musl-"
GLIBC = ("ld-linux", "ld64.so")

# musl's loader is the C library as well, and takes these names, whatever their version, for its own.
MUSL_ITSELF = ("libc.", "libpthread.", "librt.", "libm.", "libdl.", "libutil.", "libxnet.")


def is_of_glibc(name):
    """Is that what only programs need that were linked with glibc?"""
    base = name.rpartition("/")[2]
    return base == "libc.so.6" or base.startswith(GLIBC)


class Loader:
    """The loader of the program at a path of an image, which extension modules are loaded into.

    elves are the ELF files of the image by path, all for one machine. variable is the value of
    LD_LIBRARY_PATH.
    """

    def __init__(self, image, elves, program, variable=""):
        self.image, self.elves, self.program = image, elves, program
        self.first = split(variable)
        name = elves[program].interpreter
        self.itself = image.find(name)
        self.musl = name.rpartition("/")[2].startswith(MUSL)
        self.last = self.folders_of_musl(name) if self.musl else self.folders_of_glibc()
        # With a loader of glibc's name there is something, such as gcompat, that stands in for it.
        self.runs_glibc = any(is_of_glibc(path) and path.count("/") == 2 for path in (*image.files, *image.links))
        self.loaded, self.lacking = self.load(program, (), {})

    def folders_of_musl(self, interpreter):
        """What /etc/ld-musl-ARCH.path names, if it is there."""
        folder, _, name = interpreter.rpartition("/")
        path = self.image.find(f"{folder.rpartition('/')[0]}/etc/{name.partition('.')[0]}.path")
        if path is None:
            return ["/lib", "/usr/local/lib", "/usr/lib"]
        with open(self.image.files[path], encoding="utf-8", errors="surrogateescape") as file:
            return split(file.read())

    def folders_of_glibc(self):
        """What /etc/ld.so.conf names on a system where libraries of many machines can be."""
        folders = {path.rpartition("/")[0] for path in self.elves}
        multiarch = sorted(folder for folder in folders if "-linux-gnu" in folder.rpartition("/")[2])
        return ["/usr/local/lib", *multiarch, "/lib64", "/usr/lib64", "/lib", "/usr/lib"]

    def start(self, path):
        """Load a file, and what it needs, as a program, or as a module of our program.

        Return the paths of what was loaded by the names that it was needed by, and a set of
        (file, name) of what was needed and is not there.
        """
        if path == self.program:
            return self.loaded, self.lacking
        if self.elves[path].interpreter:
            return self.load(path, (), {})
        return self.load(path, (self.program,), self.loaded)

    def load(self, path, loaders, loaded):
        loaded, lacking, seen = dict(loaded), set(), {path}
        waiting = [(path, *loaders)]
        for chain in waiting:  # which grows
            elf = self.elves[chain[0]]
            names = [elf.interpreter] if elf.interpreter else []
            for name in names + elf.needed:
                if name in loaded:
                    continue
                found = self.find(name, chain)
                if found is None:
                    lacking.add((chain[0], name))
                    continue
                loaded[name] = found
                if found not in seen and found in self.elves:
                    seen.add(found)
                    waiting.append((found, *chain))
        return loaded, lacking

    def find(self, name, chain):
        """Return the path of what the first of a chain of loaders needs by a name, or None."""
        if "/" in name:
            return self.image.find(name) if name.startswith("/") else None
        if self.musl and name.startswith(MUSL_ITSELF):
            return self.itself if self.runs_glibc or not is_of_glibc(name) else None
        for folder in self.folders(chain):
            path = self.image.find(f"{folder}/{name}")
            if path in self.elves:
                return path
        return None

    def folders(self, chain):
        yield from self.first
        for path in chain:
            origin = path.rpartition("/")[0]
            for folder in split(self.elves[path].path):
                yield folder.replace("$ORIGIN", origin).replace("${ORIGIN}", origin)
        yield from self.last


def split(folders):
    return [folder for folder in folders.replace("\n", ":").split(":") if folder]
