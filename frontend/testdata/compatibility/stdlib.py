"""Areas of the standard library."""

import os
import subprocess
import sys
import tempfile
import threading

from areas import area, check, main


def shake_hands(client, server):
    """Return the two ends of a connection in memory."""
    import ssl

    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = client.wrap_bio(back, there, server_hostname="localhost"), server.wrap_bio(there, back, server_side=True)
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
    return ends


@area("ssl")
def ssl_():
    """TLS 1.2 and TLS 1.3 between two ends in memory: a server whose authority is trusted is taken, and refused by the default context, which trusts Mozilla's certificates."""
    import ssl

    check(len(ssl.create_default_context().get_ca_certs()) > 100)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain("/certificates/server.pem")
    for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
        client = ssl.create_default_context(cafile="/certificates/authority.pem")
        client.minimum_version = client.maximum_version = version
        ends = shake_hands(client, server)
        ends[0].write(b"secret")
        check(ends[1].read() == b"secret", version)
        check(ends[0].version() == version.name.replace("_", "."), ends[0].version())
        check(("DNS", "localhost") in ends[0].getpeercert()["subjectAltName"])
        try:
            shake_hands(ssl.create_default_context(), server)
            check(False)
        except ssl.SSLCertVerificationError:
            pass


@area("sqlite3")
def sqlite3_():
    """A database on disk and one in memory: transactions, functions and types of one's own, window functions, JSON, backup."""
    import sqlite3

    with tempfile.TemporaryDirectory() as folder:
        disk = sqlite3.connect(folder + "/db")
        disk.execute("create table t (a integer primary key, b text)")
        with disk:
            disk.executemany("insert into t (b) values (?)", [("x",), ("y",), ("☃",)])
        try:
            with disk:
                disk.execute("insert into t (a) values (1)")
        except sqlite3.IntegrityError:
            pass
        memory = sqlite3.connect(":memory:", detect_types=sqlite3.PARSE_DECLTYPES)
        disk.backup(memory)
        memory.create_function("double", 1, lambda text: text * 2)
        rows = memory.execute("select double(b), sum(a) over (order by a), json_extract('[1,2]', '$[1]') from t").fetchall()
        check(rows == [("xx", 1, 2), ("yy", 3, 2), ("☃☃", 6, 2)], rows)
        sqlite3.register_adapter(Point, lambda point: point.x)
        sqlite3.register_converter("point", lambda data: Point(int(data)))
        memory.execute("create table points (p point)")
        memory.execute("insert into points values (?)", [Point(7)])
        check(memory.execute("select p from points").fetchone() == (Point(7),))
        memory.close()
        disk.close()


@area("ctypes")
def ctypes_():
    """Functions of the C library, one that calls back into Python, structures. But: find_library finds nothing, as it asks compilers and linkers, which the image has not."""
    import ctypes
    import ctypes.util

    libc = ctypes.CDLL(None)
    libc.strlen.restype = ctypes.c_size_t
    check(libc.strlen(b"four") == 4)
    numbers = (ctypes.c_int * 5)(5, 1, 4, 2, 3)
    order = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))
    libc.qsort(numbers, len(numbers), ctypes.sizeof(ctypes.c_int), order(lambda a, b: a[0] - b[0]))
    check(list(numbers) == [1, 2, 3, 4, 5], list(numbers))

    class Pair(ctypes.Structure):
        _fields_ = [("first", ctypes.c_int16), ("second", ctypes.c_int16)]

    check(Pair(1, 2).second == 2 and ctypes.sizeof(Pair) == 4)
    check(ctypes.util.find_library("c") is None and ctypes.util.find_library("sqlite3") is None)


def square(n):
    return n * n


def put(queue):
    queue.put(os.getpid())


def fill(name):
    from multiprocessing import shared_memory

    memory = shared_memory.SharedMemory(name)
    memory.buf[:3] = b"abc"
    memory.close()


@area("multiprocessing")
def multiprocessing_():
    """Processes, pools, queues, managers and shared memory, each with fork, spawn and forkserver."""
    import multiprocessing
    from multiprocessing import shared_memory

    for method in "fork", "spawn", "forkserver":
        context = multiprocessing.get_context(method)
        with context.Pool(2) as pool:
            check(pool.map(square, range(5)) == [0, 1, 4, 9, 16], method)
        queue = context.Queue()
        process = context.Process(target=put, args=(queue,))
        process.start()
        check(queue.get(timeout=60) == process.pid, method)
        process.join()
        check(process.exitcode == 0, method)
        with context.Manager() as manager:
            shared = manager.dict(a=1)
            shared["b"] = 2
            check(dict(shared) == {"a": 1, "b": 2}, method)
        memory = shared_memory.SharedMemory(create=True, size=8)
        process = context.Process(target=fill, args=(memory.name,))
        process.start()
        process.join()
        check(process.exitcode == 0 and bytes(memory.buf[:3]) == b"abc", method)
        memory.close()
        memory.unlink()


@area("asyncio")
def asyncio_():
    """A server and its client, task groups, timeouts, threads, subprocesses, Unix sockets."""
    import asyncio

    async def answer(reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()

    async def ask(connect):
        reader, writer = await connect
        writer.write(b"hello\n")
        check(await reader.read() == b"HELLO\n")
        writer.close()
        await writer.wait_closed()

    async def program():
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(ask(asyncio.open_connection("127.0.0.1", port)))
        with tempfile.TemporaryDirectory() as folder:
            async with await asyncio.start_unix_server(answer, folder + "/s"):
                await ask(asyncio.open_unix_connection(folder + "/s"))
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        except TimeoutError:
            pass
        check(await asyncio.to_thread(square, 3) == 9)
        process = await asyncio.create_subprocess_shell("read word; echo $word", stdin=-1, stdout=-1)
        check((await process.communicate(b"in\n"))[0] == b"in\n")

    asyncio.run(program())


@area("concurrent.futures")
def concurrent_futures():
    """Pools of threads and of processes, results as they complete, exceptions, cancelling."""
    import concurrent.futures as futures

    with futures.ThreadPoolExecutor(2) as threads, futures.ProcessPoolExecutor(2) as processes:
        for pool in threads, processes:
            check(sorted(f.result() for f in futures.as_completed(pool.submit(square, n) for n in range(4))) == [0, 1, 4, 9])
            check(isinstance(pool.submit(square, "a").exception(), TypeError))
    go_on = threading.Event()
    with futures.ThreadPoolExecutor(1) as pool:
        running, waiting = pool.submit(go_on.wait), pool.submit(square, 2)
        check(waiting.cancel() and not running.cancel())
        go_on.set()
    check(waiting.cancelled() and running.result())


@area("zoneinfo")
def zoneinfo_():
    """Zones with the Alpine package tzdata. But: without that package there are none."""
    import zoneinfo
    from datetime import datetime, timedelta

    vienna = zoneinfo.ZoneInfo("Europe/Vienna")
    check(datetime(2024, 7, 1, 12, tzinfo=vienna).utcoffset() == timedelta(hours=2))
    check(datetime(2024, 3, 31, 2, 30, tzinfo=vienna).astimezone(zoneinfo.ZoneInfo("UTC")).hour == 1)
    check(len(zoneinfo.available_timezones()) > 400)


@area("locale")
def locale_():
    """C.UTF-8 from the environment: encodings, collation, the forms of numbers. But: another locale is taken, and has the formats of C, which are all that musl has."""
    import locale

    check("UTF-8" in locale.setlocale(locale.LC_ALL, ""))
    check(locale.getpreferredencoding() == "UTF-8" == locale.getencoding().upper())
    check(sorted("bca", key=locale.strxfrm) == ["a", "b", "c"])
    for name in "", "de_DE.UTF-8":
        locale.setlocale(locale.LC_ALL, name)
        check(locale.localeconv()["decimal_point"] == "." and locale.format_string("%d", 12345, grouping=True) == "12345")


@area("importlib.resources")
def importlib_resources():
    """Data files of an installed package, of a package on disk and of one in a zip of one's own."""
    import importlib.resources as resources
    import zipfile

    check("font-family" in resources.files("werkzeug.debug").joinpath("shared/style.css").read_text())
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(folder + "/on_disk/data")
        open(folder + "/on_disk/__init__.py", "w").close()
        with open(folder + "/on_disk/data/text", "w") as file:
            file.write("on disk")
        with zipfile.ZipFile(folder + "/some.zip", "w") as archive:
            archive.writestr("in_zip/__init__.py", "")
            archive.writestr("in_zip/data/text", "in a zip")
        sys.path[:0] = [folder, folder + "/some.zip"]
        for name, text in ("on_disk", "on disk"), ("in_zip", "in a zip"):
            file = resources.files(name) / "data" / "text"
            check(file.read_text() == text)
            with resources.as_file(file) as path:
                check(path.read_text() == text)


@area("importlib.metadata")
def importlib_metadata():
    """Versions, requirements, entry points and lists of files of what is installed."""
    import importlib.metadata as metadata

    check(metadata.version("flask").startswith("3."))
    check(any(line.startswith("Werkzeug") or line.startswith("werkzeug") for line in metadata.requires("flask")))
    (command,) = metadata.entry_points(group="console_scripts", name="flask")
    check(callable(command.load()))
    check(all(file.locate().exists() for file in metadata.files("flask")))
    check(metadata.packages_distributions()["flask"] == ["Flask"])


class Point:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return self.x == other.x


@area("pickle")
def pickle_():
    """Objects of all kinds through every protocol, in C and in Python, buffers out of band."""
    import collections
    import datetime
    import decimal
    import pickle

    values = [None, 1, 2**100, "☃", b"b", [1, (2, {3})], {"k": frozenset("a")}, Point(1), decimal.Decimal("1.5"), datetime.datetime.now(), collections.OrderedDict(a=1), len, square]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        check(pickle.loads(pickle.dumps(values, protocol)) == values, protocol)
        check(pickle._loads(pickle._dumps(values, protocol)) == values, protocol)
    buffers = []
    data = pickle.dumps(pickle.PickleBuffer(bytearray(b"large")), 5, buffer_callback=buffers.append)
    check(bytes(pickle.loads(data, buffers=buffers)) == b"large")


@area("subprocess")
def subprocess_():
    """shell=True with pipes, redirections and variables, which dash runs; input, output, timeouts, signals. But: there are no programs besides the shell's own words and what the image's packages have."""
    out = subprocess.run("printf '%s ' \"$A\" $((6 * 7)) | { read a b; echo \"$b $a\"; } 2>&1", shell=True, check=True, capture_output=True, text=True, env={**os.environ, "A": "a"}).stdout
    check(out == "42 a\n", out)
    check(subprocess.run("exit 3", shell=True).returncode == 3)
    check(subprocess.getoutput("echo $0") == "/bin/sh")
    check(subprocess.check_output([sys.executable, "-c", "print(input())"], input=b"x\n") == b"x\n")
    try:
        subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.2)
        check(False)
    except subprocess.TimeoutExpired:
        pass
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        process.terminate()
    check(process.returncode == -15)
    check(subprocess.run("ls", shell=True, stderr=subprocess.DEVNULL).returncode == 127)


@area("tempfile")
def tempfile_():
    """Files with and without names, folders that remove themselves, spooled files; /tmp and /var/tmp are there."""
    check(tempfile.gettempdir() == "/tmp")
    for folder in "/tmp", "/var/tmp":
        with tempfile.NamedTemporaryFile(dir=folder) as named, tempfile.TemporaryFile(dir=folder) as unnamed:
            unnamed.write(b"x")
            check(os.path.exists(named.name))
        check(not os.path.exists(named.name))
    with tempfile.TemporaryDirectory() as folder:
        open(folder + "/file", "w").close()
    check(not os.path.exists(folder))
    with tempfile.SpooledTemporaryFile(4) as spooled:
        spooled.write(b"more than four")
        spooled.seek(0)
        check(spooled.read() == b"more than four")


if __name__ == "__main__":
    main()
