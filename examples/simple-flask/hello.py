"""A web server. Run as a program, it asks the one in its container how it is."""

import os
import platform
from urllib.request import urlopen

from flask import Flask

app = Flask(__name__)


@app.get("/")
def hello():
    return "Hello, world!\n"


@app.get("/_health")
def health():
    return {"status": "ok"}


@app.get("/_arch")
def arch():
    return platform.machine() + "\n"


if __name__ == "__main__":
    urlopen(f"http://127.0.0.1:{os.environ['FLASK_RUN_PORT']}/_health", timeout=2)
