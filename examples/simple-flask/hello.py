"""A web server."""

import platform

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
