"""Run a program that nobody vouches for: the build backend of a source distribution.

Usage: confine.py [--emulated] -- COMMAND ARG...

pip runs as root, beside build secrets, downloads and its cache, and while it resolves
it has a network as well. What it starts to build with gets none of that: another user,
which can read neither the secrets nor what root has in its folders and processes, no
way to become root again and no socket to anywhere. What it leaves running is killed
when the program ends, so it cannot wait for something to read.

--emulated says that an emulator executes this. It knows neither filters of system calls nor
who adopts orphans, so what runs there must have neither a network nor secrets beside it.

It may write to its working directory and to the folders of pip's that are named to it,
if these are below the folder for temporary files.
"""

import ctypes
import errno
import json
import os
import shutil
import signal
import stat
import struct
import sys
import tempfile
import time

# The user of whom nothing is, in every image.
NOBODY = 65534

PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 22, 36, 38
SECCOMP_MODE_FILTER = 2
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
AF_UNIX = 1
SYS_SOCKET = 1  # of socketcall
IO_URING_SETUP = 425  # the same everywhere; its rings make sockets too

# By machine: the number by which the kernel knows it (AUDIT_ARCH_…), socket, socketcall.
MACHINES = {
    "x86_64": (0xC000003E, 41, None),
    "aarch64": (0xC00000B7, 198, None),
    "armv7l": (0x40000028, 281, None),
    "armv6l": (0x40000028, 281, None),
    "i686": (0x40000003, 359, 102),
    "ppc64le": (0xC0000015, 326, 102),
    "riscv64": (0xC00000F3, 198, None),
    "s390x": (0x80000016, 359, 102),
}
X32 = 0x40000000  # from here on, the numbers of x86_64 mean another ABI

# What the environment of root may hold that is nobody's business.
PRIVATE = ("PIP_", "NETRC", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FTP_PROXY", "NO_PROXY")


def main():
    split = sys.argv.index("--")
    emulated, command = "--emulated" in sys.argv[:split], sys.argv[split + 1 :]
    home = tempfile.mkdtemp(prefix="confined-")
    trust_repositories(home)
    for path in (home, os.getcwd(), *command, *named_in_request(command)):
        lend(path)
    for path in (*search_path("PATH"), *search_path("PYTHONPATH")):
        reach(path)
    if not emulated:
        prctl(PR_SET_CHILD_SUBREAPER, 1)
    child = os.fork()
    if child == 0:
        run(command, environment(home), emulated)
    status = wait_for(child)
    kill_the_rest()
    shutil.rmtree(home, ignore_errors=True)
    sys.exit(status)


def run(command, environ, emulated):
    """Become the program."""
    try:
        # There is a user namespace where nobody may change groups, and then nobody has any.
        if os.getgroups():
            os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        os.umask(0o022)
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        if not emulated:
            forbid_sockets()
        os.execvpe(command[0], command, environ)
    except OSError as error:
        print(f"{command[0]}: {error}", file=sys.stderr)
    except BaseException as error:
        print(f"cannot keep build code from the network and the secrets: {error}", file=sys.stderr)
    os._exit(126)


def environment(home):
    environ = {k: v for k, v in os.environ.items() if not k.upper().startswith(PRIVATE)}
    return {**environ, "HOME": home, "TMPDIR": home}


def trust_repositories(home):
    """Have git, which some tell their version by, read a repository of root's: pip cloned it, and
    may build but a folder of it."""
    with open(os.path.join(home, ".gitconfig"), "w") as file:
        file.write("[safe]\n\tdirectory = *\n")


def named_in_request(command):
    """The folders in a request to a build backend, which stands in its last argument."""
    try:
        with open(os.path.join(command[-1], "input.json")) as file:
            values = json.load(file)["kwargs"].values()
    except (OSError, ValueError, KeyError, AttributeError):
        return []
    return [value for value in values if isinstance(value, str)]


def search_path(variable):
    return os.environ.get(variable, "").split(os.pathsep)


def lend(path):
    """Let the program write to a folder below that for temporary files."""
    if not is_temporary(path) or os.path.islink(path) or not os.path.isdir(path):
        return
    give(path)
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            give(os.path.join(folder, name))
    reach(os.path.dirname(path))


def reach(path):
    """Let the program get at what it has a right to below a folder, but not list it."""
    while is_temporary(path):
        if os.path.isdir(path):
            os.chmod(path, stat.S_IMODE(os.stat(path).st_mode) | 0o011)
        path = os.path.dirname(path)


def is_temporary(path):
    return os.path.normpath(path).startswith(tempfile.gettempdir() + "/")


def give(path):
    """A file of root's with two names may be one that an earlier program linked here."""
    found = os.lstat(path)
    if found.st_uid == 0 and (found.st_nlink == 1 or stat.S_ISDIR(found.st_mode)):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def wait_for(child):
    """The exit status of the child as a shell says it. Orphans are ours too: see main."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def kill_the_rest():
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0]:
                continue
        except ChildProcessError:
            return
        for pid in children():
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.001)


def children():
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == os.getpid():
            yield int(name)


def prctl(option, *args):
    libc = ctypes.CDLL(None, use_errno=True)
    longs = [arg if isinstance(arg, ctypes.c_void_p) else ctypes.c_ulong(arg) for arg in args]
    longs += [ctypes.c_ulong(0)] * (4 - len(longs))
    if libc.prctl(ctypes.c_int(option), *longs) != 0:
        number = ctypes.get_errno()
        raise RuntimeError(f"prctl {option}: {os.strerror(number)}")


def forbid_sockets():
    """Have the kernel refuse every socket but those between processes of one machine."""
    machine = os.uname().machine
    if machine not in MACHINES:
        raise RuntimeError(f"no list of system calls for {machine}")
    install_filter(socket_filter(*MACHINES[machine]))


def install_filter(instructions):
    """Have the kernel filter the system calls of this process, and of all it starts."""
    program = b"".join(struct.pack("=HBBI", *instruction) for instruction in instructions)
    buffer = ctypes.create_string_buffer(program, len(program))

    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]

    fprog = Filter(len(program) // 8, ctypes.addressof(buffer))
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.c_void_p(ctypes.addressof(fprog)))


def socket_filter(arch, socket, socketcall):
    """The instructions of a seccomp filter, each (code, jump if true, jump if false, constant)."""
    load, equal, at_least, give_back = 0x20, 0x15, 0x35, 0x06
    number, its_arch = 0, 4  # where these are in struct seccomp_data
    first_argument = 16 if sys.byteorder == "little" else 20  # its lower half
    denied = ERRNO | errno.EACCES

    yield (load, 0, 0, its_arch)
    yield (equal, 1, 0, arch)
    yield (give_back, 0, 0, KILL)
    yield (load, 0, 0, number)
    if arch == MACHINES["x86_64"][0]:
        yield (at_least, 0, 1, X32)
        yield (give_back, 0, 0, KILL)
    yield (equal, 0, 1, IO_URING_SETUP)
    yield (give_back, 0, 0, ERRNO | errno.ENOSYS)
    if socketcall is not None:
        yield (equal, 0, 4, socketcall)
        yield (load, 0, 0, first_argument)
        yield (equal, 0, 1, SYS_SOCKET)
        yield (give_back, 0, 0, denied)
        yield (give_back, 0, 0, ALLOW)
    yield (equal, 0, 3, socket)
    yield (load, 0, 0, first_argument)
    yield (equal, 1, 0, AF_UNIX)
    yield (give_back, 0, 0, denied)
    yield (give_back, 0, 0, ALLOW)


if __name__ == "__main__":
    main()
