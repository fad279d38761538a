"""Keep notes in a folder: PUT /NAME writes one, GET /NAME reads it."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FOLDER = Path(os.environ["NOTES"])


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path[1:]
        if name == "health":
            self.answer(200, b"ok\n")
        elif name.isalnum() and (FOLDER / name).exists():
            self.answer(200, (FOLDER / name).read_bytes())
        else:
            self.answer(404, b"no such note\n")

    def do_PUT(self):
        name = self.path[1:]
        if not name.isalnum() or name == "health":
            self.answer(400, b"a name has letters and digits only\n")
            return
        (FOLDER / name).write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(201, b"written\n")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    ThreadingHTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
