"""Read what a dynamic loader reads of an ELF file.

That is its headers and its dynamic section, whatever the machine is that it is for: 32 or
64 bits wide, of either byte order. Nothing of it is executed.

Imports next to nothing, for the reason that bytecode.py has.
"""

import os

MAGIC = b"\x7fELF"

PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
DT_NULL, DT_NEEDED, DT_STRTAB, DT_SONAME, DT_RPATH, DT_RUNPATH = 0, 1, 5, 14, 15, 29

# Far above what linkers write: a file that says more is broken.
MAX_HEADERS = 1 << 12
MAX_DYNAMIC = 1 << 16
MAX_STRING = 1 << 16


class Broken(Exception):
    """The file begins like an ELF file, and is none that could be loaded."""


class Elf:
    """What a file needs, and what it is called.

    machine tells what can be in one process; interpreter is the loader that an executable
    names, or empty; path are the folders that it is to be searched in for what it needs.
    """

    def __init__(self, machine):
        self.machine = machine
        self.interpreter = self.soname = self.path = ""
        self.needed = []


def read(path):
    """Return what the file at path is, or None if it is no ELF file that a loader would load."""
    fd = os.open(path, os.O_RDONLY)
    try:
        if os.read(fd, 4) != MAGIC:
            return None
        return Reader(fd).elf()
    except Broken:
        return None
    finally:
        os.close(fd)


class Reader:
    def __init__(self, fd):
        self.fd, self.size = fd, os.fstat(fd).st_size
        ident = self.bytes(0, 16)
        self.wide = ident[4] == 2
        self.order = "big" if ident[5] == 2 else "little"
        self.word = 8 if self.wide else 4
        self.loads = []  # (address, size, offset) of what is mapped
        header = self.bytes(0, 64 if self.wide else 52)
        self.machine = (ident[4], ident[5], self.number(header, 18, 2))
        self.headers = self.number(header, 32 if self.wide else 28, self.word)
        self.header_size = self.number(header, 54 if self.wide else 42, 2)
        self.header_count = self.number(header, 56 if self.wide else 44, 2)

    def elf(self):
        elf = Elf(self.machine)
        dynamic = b""
        for kind, offset, address, size in self.segments():
            if kind == PT_LOAD:
                self.loads.append((address, size, offset))
            elif kind == PT_DYNAMIC:
                dynamic = self.bytes(offset, min(size, MAX_DYNAMIC))
            elif kind == PT_INTERP:
                elf.interpreter = self.string(offset)
        self.read_dynamic(elf, dynamic)
        return elf

    def segments(self):
        size = self.header_size
        if not 0 < self.header_count <= MAX_HEADERS or size < (56 if self.wide else 32):
            raise Broken  # such as an object file, which is for a linker
        table = self.bytes(self.headers, size * self.header_count)
        offset, address, length = (8, 16, 32) if self.wide else (4, 8, 16)
        for at in range(0, len(table), size):
            yield (
                self.number(table, at, 4),
                self.number(table, at + offset, self.word),
                self.number(table, at + address, self.word),
                self.number(table, at + length, self.word),
            )

    def read_dynamic(self, elf, section):
        values = {}
        for at in range(0, len(section) - 2 * self.word + 1, 2 * self.word):
            tag = self.number(section, at, self.word)
            if tag == DT_NULL:
                break
            values.setdefault(tag, []).append(self.number(section, at + self.word, self.word))
        if DT_STRTAB not in values:
            return
        strings = self.offset(values[DT_STRTAB][-1])
        text = lambda tag: [self.string(strings + value) for value in values.get(tag, ())]
        elf.needed = text(DT_NEEDED)
        elf.soname = "".join(text(DT_SONAME)[-1:])
        elf.path = "".join((text(DT_RUNPATH) or text(DT_RPATH))[-1:])

    def offset(self, address):
        """Where in the file is what gets loaded at the address?"""
        for start, size, offset in self.loads:
            if start <= address < start + size:
                return address - start + offset
        raise Broken

    def string(self, offset):
        found = b""
        while len(found) < MAX_STRING:
            chunk = self.read(offset + len(found), 256)
            head, end, _ = chunk.partition(b"\0")
            found += head
            if end:
                return os.fsdecode(found)
            if not chunk:
                break
        raise Broken

    def bytes(self, offset, size):
        data = self.read(offset, size)
        if len(data) < size:
            raise Broken
        return data

    def read(self, offset, size):
        if offset > self.size:
            raise Broken  # and maybe no offset at all to the kernel
        return os.pread(self.fd, size, offset)

    def number(self, data, at, size):
        return int.from_bytes(data[at : at + size], self.order)
