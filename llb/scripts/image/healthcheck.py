"""Ask a server in this container whether it is well; exit with 1, and say why, if it is not.

Usage: healthcheck.py tcp SECONDS PORT
       healthcheck.py http SECONDS PORT PATH FIRST LAST

It is well if it takes a connection, or if it answers with a status from FIRST to LAST, within
SECONDS. PORT is a number, or $NAME for the one that a variable of the container has.

An engine starts this every few seconds. So it imports the C modules below socket and os, and
neither these nor an HTTP client; and it runs by python -I -S, which imports nothing else.
"""

import _socket
import sys
from posix import environ
from time import monotonic

# What a server listens on if it listens on all addresses, or on those of this machine only.
ADDRESSES = ((_socket.AF_INET, "127.0.0.1"), (_socket.AF_INET6, "::1"))


def main(kind, seconds, port, *request):
    deadline = monotonic() + float(seconds)
    subject = f"port {port}"
    try:
        number = number_of(port)
        connection = connect(number, deadline)
        if kind == "http":
            path, first, last = request
            subject = f"GET {path} of port {number}"
            status, line = ask(connection, number, path, deadline)
            if not int(first) <= status <= int(last):
                expected = first if first == last else f"{first} to {last}"
                sys.exit(f"{subject}: status {line}, expected {expected}")
    except TimeoutError:
        sys.exit(f"{subject}: no answer within {seconds} seconds")
    except (OSError, ValueError) as error:
        sys.exit(f"{subject}: {error}")


def number_of(port):
    if port.startswith("$"):
        name = port.strip("${}")
        value = environ.get(name.encode(), b"").decode()
        if not value.isdecimal() or not 1 <= int(value) <= 65535:
            raise ValueError(f"the variable {name} is {value!r}, expected a number from 1 to 65535")
        port = value
    return int(port)


def connect(port, deadline):
    """Return a connection to the first address that takes one, or fail as the first has failed."""
    failure = None
    for family, address in ADDRESSES:
        try:
            connection = _socket.socket(family, _socket.SOCK_STREAM)
            connection.settimeout(left(deadline))
            connection.connect((address, port))
            return connection
        except OSError as error:
            failure = failure or error
    raise failure


def ask(connection, port, path, deadline):
    """Return the status of the answer, and that with its reason."""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n"
    request += "User-Agent: distroless-healthcheck\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    connection.sendall(request.encode("ascii"))
    line = status_line(connection, deadline)
    words = line.split(None, 2)
    if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdecimal():
        raise ValueError(f"the answer is not HTTP: {line!r}")
    drain(connection, deadline)
    return int(words[1]), " ".join(words[1:])


def status_line(connection, deadline):
    answer = b""
    while b"\n" not in answer and len(answer) < 1024:
        connection.settimeout(left(deadline))
        data = connection.recv(4096)
        if not data:
            break
        answer += data
    return answer.partition(b"\n")[0][:1024].decode("latin-1").strip()


def drain(connection, deadline):
    """Read what is left for a second, so that the server has no broken connection to log."""
    deadline = min(deadline, monotonic() + 1)
    try:
        for _ in range(64):
            connection.settimeout(left(deadline))
            if not connection.recv(65536):
                break
    except OSError:
        pass  # the status is known


def left(deadline):
    seconds = deadline - monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


if __name__ == "__main__":
    main(*sys.argv[1:])
