"""Read of an ELF file what the loader is told by it: its name, and the libraries it needs."""

import struct

PT_LOAD, PT_DYNAMIC = 1, 2
DT_NULL, DT_NEEDED, DT_STRTAB, DT_SONAME, DT_RPATH, DT_RUNPATH = 0, 1, 5, 14, 15, 29


def dynamic(path):
    """Return (soname or None, [needed], [rpath]) of a file, or None if it is no ELF file."""
    with open(path, "rb") as file:
        if file.read(4) != b"\x7fELF":
            return None
        file.seek(0)
        return read(file.read())


def read(data):
    wide, order = data[4] == 2, "<" if data[5] == 1 else ">"
    if wide:
        (table,), (size, count) = struct.unpack_from(order + "Q", data, 32), struct.unpack_from(order + "HH", data, 54)
    else:
        (table,), (size, count) = struct.unpack_from(order + "I", data, 28), struct.unpack_from(order + "HH", data, 42)
    segments = [segment(data, table + i * size, wide, order) for i in range(count)]
    entries = []
    for kind, offset, _, length in segments:
        if kind == PT_DYNAMIC:
            entries = list(struct.iter_unpack(order + ("qQ" if wide else "iI"), data[offset : offset + length]))
    strings = next((value for tag, value in entries if tag == DT_STRTAB), None)
    if strings is None:
        return None, [], []
    start = next(strings - address + offset for kind, offset, address, length in segments if kind == PT_LOAD and address <= strings < address + length)

    def text(*tags):
        for tag, value in entries:
            if tag == DT_NULL:
                return
            if tag in tags:
                yield data[start + value : data.index(b"\0", start + value)].decode()

    return next(text(DT_SONAME), None), list(text(DT_NEEDED)), [p for t in text(DT_RPATH, DT_RUNPATH) for p in t.split(":")]


def segment(data, at, wide, order):
    """Return type, offset, address and size in the file of a segment."""
    if wide:
        kind, _, offset, address, _, length = struct.unpack_from(order + "IIQQQQ", data, at)
    else:
        kind, offset, address, _, length = struct.unpack_from(order + "IIIII", data, at)
    return kind, offset, address, length
