"""Print, as a JSON list, the median times in seconds of a health check and of a start of Python.

Arguments: RUNS COMMAND...

The command finds a server that answers at once on the port that $PORT has. Both run once before
they are timed, and then in turns.
"""

import json
import os
import socket
import statistics
import sys
import threading
import time


def answer(server):
    while True:
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.0 204 No Content\r\n\r\n")


def run(command):
    started = time.perf_counter()
    _, status = os.waitpid(os.posix_spawn(command[0], command, os.environ), 0)
    if status:
        sys.exit(f"{command!r} failed with wait status {status}")
    return time.perf_counter() - started


runs = int(sys.argv[1])
server = socket.create_server(("127.0.0.1", 0))
os.environ["PORT"] = str(server.getsockname()[1])
threading.Thread(target=answer, args=[server], daemon=True).start()
commands = sys.argv[2:], [sys.executable, "-I", "-c", "pass"]
rounds = [[run(command) for command in commands] for _ in range(runs + 1)]
print(json.dumps([statistics.median(times) for times in zip(*rounds[1:])]))
