"""Run a command as the image runs it, and write down which files of Python's it opens.

Usage: trace.py --out DIR --user USER --workdir DIR [--env NAME=VALUE]... [--stop NUMBER]
                [--request URL]... [--check WORD]... -- COMMAND ARG...

The root of this process is the image's, with the standard library as files where its zip is.
With --request, the command is a server: it is asked for each URL once it answers, then the
WORDs, its health check, run, and then it is stopped. Otherwise it has to end with status 0.
DIR/opened gets the paths below STDLIB and LIBRARIES that were opened, sorted.
"""

import argparse
import os
import re
import signal
import sys
import tempfile
import time

import tracer

STDLIB = re.compile(r"/usr/local/lib/python3\.?\d+(\.zip)?/(?!site-packages/)")
LIBRARIES = re.compile(r"(/usr/local|/usr)?/lib/[^/]+\.so\b[^/]*$|/(usr/)?lib/\w+-linux-\w+/[^/]+\.so\b[^/]*$")

# How long a server may take to answer, and to end when it is told to.
START_TIMEOUT, STOP_TIMEOUT = 60, 10


def main():
    options = parse_options()
    command = [Command(options, options.command)]
    if options.request:
        serve(command[0], options.request)
        if options.check:
            command.append(Command(options, options.check))
            command[1].must_succeed("the health check")
        command[0].stop(options.stop)
    else:
        command[0].must_succeed("the command")
    opened = set().union(*(one.opened() for one in command))
    with open(os.path.join(options.out, "opened"), "w") as file:
        file.writelines(path + "\n" for path in sorted(filter(is_python, opened)))


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    parser.add_argument("--user", required=True)
    parser.add_argument("--workdir", required=True)
    parser.add_argument("--env", action="append", default=[])
    parser.add_argument("--stop", type=int, default=signal.SIGTERM)
    parser.add_argument("--request", action="append", default=[])
    parser.add_argument("--check", action="append", default=[])
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def is_python(path):
    """Is that a file of the library, and not a folder that was listed?"""
    return (STDLIB.match(path) or LIBRARIES.match(path)) and os.path.isfile(path)


class Command:
    """A command that is being traced by a process of its own."""

    def __init__(self, options, words):
        self.words = words
        self.log = tempfile.TemporaryFile()
        theirs, ours = os.pipe()
        self.tracer = os.fork()
        if self.tracer == 0:
            os.close(theirs)
            become(options)
            os._exit(tracer.trace(words, ours, self.log.fileno()))
        os.close(ours)
        with os.fdopen(theirs, "rb") as pipe:
            started = pipe.read()
        self.status = None
        if not started:
            self.wait()
            sys.exit(1)  # the other process has said why
        self.pid = int(started)  # of the command itself

    def wait(self, seconds=None):
        """Return the exit status as a shell says it, or None if the time is over."""
        end = None if seconds is None else time.monotonic() + seconds
        while self.status is None:
            pid, status = os.waitpid(self.tracer, 0 if end is None else os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > end:
                break
            else:
                time.sleep(0.01)
        return self.status

    def must_succeed(self, what):
        if self.wait() != 0:
            self.fail(f"{what} ended with status {self.status}")

    def fail(self, why):
        if self.status is None:
            self.stop(signal.SIGKILL)
        sys.exit(f"trim: {why}: {' '.join(self.words)}")

    def stop(self, number):
        """End the command by the signal, or by force."""
        for next_signal in (number, signal.SIGKILL):
            if self.wait(0) is None:
                os.kill(self.pid, next_signal)
                self.wait(STOP_TIMEOUT)

    def opened(self):
        self.log.seek(0)
        return set(self.log.read().decode(errors="surrogateescape").split("\0"))


def become(options):
    """Be the user of the image, where and as it runs commands."""
    uid, gid, groups, home = identity(options.user)
    if sorted(groups) != sorted(os.getgroups()):  # which a user namespace may forbid to change
        os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    os.makedirs(options.workdir, exist_ok=True)
    os.chdir(options.workdir)
    os.environ.clear()
    os.environ["HOME"] = home
    for assignment in options.env:
        name, _, value = assignment.partition("=")
        os.environ[name] = value


def identity(user):
    """Return uid, gid, further groups and home of user[:group], names or numbers."""
    import grp
    import pwd

    name, _, group = user.partition(":")
    entries = [e for e in pwd.getpwall() if name in (e.pw_name, str(e.pw_uid))]
    if not entries and not name.isdigit():
        sys.exit(f"trim: user {name!r} is not in /etc/passwd of the image")
    uid, gid, home = (entries[0].pw_uid, entries[0].pw_gid, entries[0].pw_dir) if entries else (int(name), 0, "/")
    if group:
        named = [e.gr_gid for e in grp.getgrall() if e.gr_name == group]
        if not named and not group.isdigit():
            sys.exit(f"trim: group {group!r} is not in /etc/group of the image")
        return uid, named[0] if named else int(group), [], home
    login = entries[0].pw_name if entries else None
    return uid, gid, [e.gr_gid for e in grp.getgrall() if login in e.gr_mem], home


def serve(command, urls):
    """Ask a server for each URL, once it answers."""
    from http.client import HTTPException
    from urllib.request import HTTPHandler, OpenerDirector

    direct = OpenerDirector()
    direct.add_handler(HTTPHandler())  # and none for proxies, errors and redirections: any answer is one
    deadline = time.monotonic() + START_TIMEOUT
    for url in urls:
        while True:
            try:
                with direct.open(url, timeout=START_TIMEOUT) as response:
                    response.read()
                if response.status >= 500:
                    command.fail(f"GET {url} was answered with status {response.status}")
                break
            except (HTTPException, OSError) as error:
                if command.wait(0) is not None:
                    command.fail(f"the server ended with status {command.status} before it answered {url}")
                if time.monotonic() > deadline:
                    command.fail(f"GET {url} was not answered in {START_TIMEOUT} seconds ({error})")
                time.sleep(0.02)


if __name__ == "__main__":
    main()
