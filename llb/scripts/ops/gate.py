"""Test a command, or the server that it starts, in the root this runs in.

Usage: gate.py FILE

FILE has options, --, and the command with its arguments, with a NUL between any two.
--exit-code=N --stdout-contains=TEXT --stdout-matches=REGEX and the same of stderr say what
the command must do. With --port=N it is a server that must take connections there or, with
--path=PATH as well, answer a request: --status=FIRST-LAST, --body-contains, --body-matches.
--timeout=SECONDS is for all of it.

This is the image's own interpreter, started with -I -S, and the image may come without most
of the standard library: so next to nothing is imported, and what is not built into the
interpreter only where a test needs it. The command gets the environment as it is.
"""

import _signal
import os
import sys
import time

# What BuildKit's own variables begin with.
TRACING = ("OTEL_", "TRACEPARENT", "TRACESTATE")

LIMIT = 8 << 20  # bytes of a text that are looked at
PAUSE = 0.01  # seconds between two looks at what runs
CONNECT = 1.0  # seconds for a connection, of which a server may have too many to take one more

# Of a server that will answer in a moment: bad gateway, unavailable, gateway timeout.
STARTING = (502, 503, 504)


def main(path):
    with open(path, encoding="utf-8", newline="") as file:
        words = file.read().split("\0")
    split = words.index("--")
    expected = Expected([word.removeprefix("--").partition("=")[::2] for word in words[:split]])
    for name in list(os.environ):
        if name.startswith(TRACING) and name not in expected.all("env"):
            del os.environ[name]
    if expected.port and taken(expected):
        sys.exit(f"FAILED: something answers on port {expected.port} before the server is started: remove network, or choose another port")
    process = Process(words[split + 1 :], expected.deadline)
    failures = serve(process, expected) if expected.port else complete(process, expected)
    process.kill()
    process.read()
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    sys.stderr.flush()
    os._exit(bool(failures))


class Expected:
    """What the options say."""

    def __init__(self, options):
        self.options = options
        self.exit_code = int(self.one("exit-code", "0"))
        self.timeout = float(self.one("timeout", "60"))
        self.deadline = time.monotonic() + self.timeout
        self.port = int(self.one("port", "0"))
        self.path = self.one("path", "")
        first, _, last = self.one("status", "200-399").partition("-")
        self.statuses = range(int(first), int(last or first) + 1)
        if self.port:
            needed("_socket", "a test of a server")
        for what in ("stdout", "stderr", "body"):
            for pattern in self.all(f"{what}-matches"):
                compiled(what, pattern)

    def all(self, name):
        return [value for key, value in self.options if key == name]

    def one(self, name, default):
        return (self.all(name) or [default])[0]

    def unmet(self, what, data):
        """Say what a text has not got of what it must have."""
        text = data.decode("utf-8", "replace")
        for wanted in self.all(f"{what}-contains"):
            if wanted not in text:
                yield f"{what} does not contain {wanted!r}"
        for pattern in self.all(f"{what}-matches"):
            if not compiled(what, pattern).search(text):
                yield f"nothing in {what} matches {pattern!r}"


def needed(module, by):
    """Return a module that the image may come without."""
    try:
        return __import__(module)
    except ImportError as error:
        sys.exit(f"FAILED: {by} needs the module {module}, and the image is without: {error}")


def compiled(what, pattern):
    re = needed("re", f"{what}.matches")
    try:
        return re.compile(pattern, re.MULTILINE)
    except re.error as error:
        sys.exit(f"FAILED: {what}.matches: {pattern!r} is not a regular expression: {error}")


class Process:
    """The command, with its output shown as it comes and kept.

    It may leave others behind that keep its output open: nothing waits for the end of that.
    """

    def __init__(self, command, deadline):
        self.deadline = deadline
        self.status = None  # when it has ended
        self.kept = {}  # the number of a standard stream and what was read
        self.pipes = {}
        theirs = {}
        for stream in (1, 2):
            self.pipes[stream], theirs[stream] = os.pipe()
            os.set_blocking(self.pipes[stream], False)
            self.kept[stream] = bytearray()
        self.pid = os.fork()
        if self.pid == 0:
            run(command, theirs)
        for end in theirs.values():
            os.close(end)

    def ended(self):
        """Look at it, and say whether it has ended."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        self.read()
        return self.status is not None

    def read(self):
        for stream, pipe in self.pipes.items():
            while data := available(pipe):
                show(stream, data)
                if len(self.kept[stream]) < LIMIT:
                    self.kept[stream] += data

    def pause(self):
        """Wait a moment; False if there is no time left."""
        time.sleep(PAUSE)
        return time.monotonic() < self.deadline

    def kill(self):
        """End it and what it started. What went its own way ends with this process, the container's first."""
        try:
            os.killpg(self.pid, _signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def run(command, outputs):
    """Become the command."""
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for stream, pipe in outputs.items():
            os.dup2(pipe, stream)
        for number in (_signal.SIGPIPE, _signal.SIGXFSZ):  # which Python ignores
            _signal.signal(number, _signal.SIG_DFL)
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, os.fsencode(f"cannot run {command[0]}: {error.strerror}\n"))
    finally:
        os._exit(127)


def available(pipe):
    try:
        return os.read(pipe, 1 << 16)
    except BlockingIOError:
        return b""


def show(stream, data):
    while data:
        data = data[os.write(stream, data) :]


def complete(process, expected):
    """Wait for the command, and say what is wrong with what it did."""
    while not process.ended():
        if not process.pause():
            return [f"the command had not ended after {expected.timeout:g} s"]
    failures = []
    if process.status != expected.exit_code:
        failures.append(f"the command {how_it_ended(process)}, expected {expected.exit_code}")
    failures += expected.unmet("stdout", process.kept[1])
    failures += expected.unmet("stderr", process.kept[2])
    return failures


def how_it_ended(process):
    if process.status < 0:
        return f"was killed by signal {-process.status}"
    return f"ended with exit status {process.status}"


def serve(process, expected):
    """Ask the server until it answers, and say what is wrong with the answer."""
    failures = [f"nothing answers on port {expected.port}"]
    while not process.ended():
        answered, failures = ask(process, expected)
        if answered:
            return failures
        if not process.pause():
            return [f"{failure} after {expected.timeout:g} s" for failure in failures]
    return [f"{failures[0]}: the server {how_it_ended(process)}"]


def ask(process, expected):
    """Return whether the answer is one to go by, and what is wrong with it."""
    try:
        server = connected(expected.port, process.deadline)
    except OSError as error:
        return False, [f"nothing answers on port {expected.port} ({error})"]
    try:
        if not expected.path:
            return True, []
        answer = answer_to(request(expected), server, process)
    except OSError as error:
        return False, [f"no answer to {expected.path} ({error})"]
    finally:
        server.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    words = head.split(b"\r\n")[0].split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        return False, [f"the answer to {expected.path} is not one of HTTP"]
    status = int(words[1])
    failures = [*expected.unmet("body", body)]
    if status not in expected.statuses:
        failures.insert(0, f"the answer to {expected.path} has status {status}, expected {wanted(expected.statuses)}")
    if failures and status in STARTING:
        return False, failures
    if failures:
        show(2, body[:4096] + b"\n")
    return True, failures


def wanted(statuses):
    first, last = statuses[0], statuses[-1]
    return f"{first}" if first == last else f"{first} to {last}"


def taken(expected):
    """Does another have the port? On a network that is not the test's own it would answer in the server's place."""
    try:
        connected(expected.port, expected.deadline).close()
    except OSError:
        return False
    return True


def connected(port, deadline):
    """Connect by IPv4 or, if nothing listens there, by IPv6."""
    _socket = needed("_socket", "a test of a server")
    refused = None
    for family, address in ((_socket.AF_INET, "127.0.0.1"), (_socket.AF_INET6, "::1")):
        server = None
        try:
            server = _socket.socket(family, _socket.SOCK_STREAM)
            server.settimeout(max(min(CONNECT, deadline - time.monotonic()), PAUSE))
            server.connect((address, port))
            return server
        except OSError as error:  # there may be no IPv6
            refused = refused or error
            if server:
                server.close()
    raise refused


def request(expected):
    """HTTP/1.0, since the answer to that is the body as it is, up to the end."""
    lines = (f"GET {expected.path} HTTP/1.0", f"Host: localhost:{expected.port}", "User-Agent: distroless-test", "", "")
    return "\r\n".join(lines).encode("ascii")


def answer_to(message, server, process):
    """Send a message and return all that comes back. The server may not wait for us to read what it prints."""
    server.sendall(message)
    server.settimeout(PAUSE)
    data = bytearray()
    while len(data) < LIMIT:
        if time.monotonic() > process.deadline:
            raise TimeoutError("timed out")
        try:
            more = server.recv(1 << 16)
        except TimeoutError:
            if process.ended():
                raise
            continue
        if not more:
            break
        data += more
    return bytes(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
