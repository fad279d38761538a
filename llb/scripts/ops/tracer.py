"""Trace which files a process, and all that it starts, opens.

By ptrace, with a filter that stops a process at no system call but those that open files.
Who traces has to be the user that is traced: to look into another's processes takes a
capability that no container has.
"""

import ctypes
import os
import signal
import sys

from confine import ALLOW, MACHINES, PR_SET_NO_NEW_PRIVS, X32, errno, install_filter, prctl

PR_SET_DUMPABLE = 4
WALL = 0x40000000
RET_TRACE = 0x7FF00000

# Requests, and what a process stops for.
CONT, SYSCALL, SEIZE, INTERRUPT, LISTEN, GET_SYSCALL_INFO = 7, 24, 0x4206, 0x4207, 0x4208, 0x420E
SYSGOOD, FORK, VFORK, CLONE, EXEC, SECCOMP, EXITKILL = 0x01, 0x02, 0x04, 0x08, 0x10, 0x80, 0x100000
EVENT_SECCOMP, EVENT_STOP = 7, 128
SYSCALL_STOP = signal.SIGTRAP | 0x80
GROUP_STOPS = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)

# The numbers of open and openat by machine. openat2 and io_uring_setup have one everywhere.
OPENS = {
    "x86_64": (2, 257),
    "aarch64": (56,),
    "armv7l": (5, 322),
    "armv6l": (5, 322),
    "i686": (5, 295),
    "ppc64le": (5, 286),
    "riscv64": (56,),
    "s390x": (5, 288),
}
OPENAT2, IO_URING_SETUP = 437, 425


def trace(words, started, log):
    """Run a command to its end and return its status.

    Its id goes to one file when it is traced, and what it has opened to another at its end.
    """
    prctl(PR_SET_DUMPABLE, 1)  # which a change of user has taken away
    theirs, ours = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        become(words, theirs)
    os.close(theirs)
    try:
        seize(child)
    except OSError as error:
        os.kill(child, signal.SIGKILL)
        print(
            f"trim: the builder does not let a process trace another ({error.strerror}): it needs Linux 5.3"
            " or later, the default seccomp profile, and no emulation of the platform",
            file=sys.stderr,
        )
        return 1
    os.write(ours, b"!")
    os.close(ours)
    os.write(started, str(child).encode())
    os.close(started)
    opened = set()
    status = follow(child, opened)
    with os.fdopen(log, "wb", closefd=False) as file:
        file.write(b"\0".join(path.encode(errors="surrogateescape") for path in sorted(opened)))
    return status


def seize(child):
    """Begin to trace a process, with all that is asked of the kernel later."""
    ptrace(SEIZE, child, 0, SYSGOOD | FORK | VFORK | CLONE | EXEC | SECCOMP | EXITKILL)
    ptrace(INTERRUPT, child, 0, 0)
    os.waitpid(child, WALL)
    ptrace(GET_SYSCALL_INFO, child, len(INFO), ctypes.addressof(INFO))  # the latest to come to Linux
    ptrace(CONT, child, 0, 0)


def become(words, go):
    """Become the command, when there is a byte to read."""
    try:
        if not os.read(go, 1):
            os._exit(1)
        os.close(go)
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        install_filter(open_filter())
        os.execvp(words[0], words)
    except OSError as error:
        print(f"{words[0]}: {error.strerror}", file=sys.stderr)
        os._exit(127 if error.errno == errno.ENOENT else 126)
    except BaseException as error:
        print(f"trim: cannot trace: {error}", file=sys.stderr)
        os._exit(126)


def open_filter():
    """Stop at what opens files; what opens them by other ways is not there."""
    machine = os.uname().machine
    if machine not in OPENS:
        raise RuntimeError(f"no list of system calls for {machine}")
    load, equal, at_least, give_back = 0x20, 0x15, 0x35, 0x06
    yield (load, 0, 0, 4)
    yield (equal, 1, 0, MACHINES[machine][0])
    yield (give_back, 0, 0, ALLOW)  # a program for another machine has no Python of ours
    yield (load, 0, 0, 0)
    if machine == "x86_64":
        yield (at_least, 0, 1, X32)
        yield (give_back, 0, 0, ALLOW)
    yield (equal, 0, 1, IO_URING_SETUP)
    yield (give_back, 0, 0, 0x00050000 | errno.ENOSYS)
    for number in (*OPENS[machine], OPENAT2):
        yield (equal, 0, 1, number)
        yield (give_back, 0, 0, RET_TRACE)
    yield (give_back, 0, 0, ALLOW)


def follow(child, opened):
    """Let the processes run until the child ends; return its status as a shell says it."""
    while True:
        pid, status = os.waitpid(-1, WALL)
        if not os.WIFSTOPPED(status):
            if pid == child:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
            continue
        stop, event = os.WSTOPSIG(status), status >> 16
        request, data = CONT, 0
        if event == EVENT_SECCOMP:
            request = SYSCALL  # to where the call returns
        elif stop == SYSCALL_STOP:
            note(pid, opened)
        elif event == EVENT_STOP and stop in GROUP_STOPS:
            request = LISTEN
        elif not event:
            data = stop  # a signal that is for the process
        try:
            ptrace(request, pid, 0, data)
        except ProcessLookupError:
            pass  # it was killed meanwhile


def note(pid, opened):
    """Add the file that the call which returns has opened."""
    try:
        ptrace(GET_SYSCALL_INFO, pid, len(INFO), ctypes.addressof(INFO))
        if INFO[0] != 2:  # PTRACE_SYSCALL_INFO_EXIT
            return
        descriptor = int.from_bytes(INFO[24:32], sys.byteorder, signed=True)
        if descriptor >= 0:
            opened.add(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
    except (ProcessLookupError, FileNotFoundError):
        pass  # it was killed, or another of its threads has closed the file


INFO = (ctypes.c_ubyte * 88)()
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_ulong, ctypes.c_ulong)
LIBC.ptrace.restype = ctypes.c_long


def ptrace(request, pid, address, data):
    if LIBC.ptrace(request, pid, address, data) < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
