"""Areas of packages that pip installs, to serve and to ask servers."""

import io
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from areas import area, check, main


class Echo(BaseHTTPRequestHandler):
    """Answers with the path it was asked for; below /second the first time that it is not ready."""

    asked = set()

    def do_GET(self):
        body = self.path.encode()
        again = not self.path.startswith("/second/") or self.path in self.asked
        self.asked.add(self.path)
        self.send_response(200 if again else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.path += " posted"
        self.do_GET()

    def log_message(self, *args):
        pass


def serve():
    """Start a server, and return its URL."""
    server = HTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


@area("blinker")
def blinker_():
    """A signal and its receivers."""
    import blinker

    def receive(sender):
        return sender * 2

    signal = blinker.signal("ready")
    signal.connect(receive)
    check(signal.send("sender") == [(receive, "sendersender")])


@area("certifi")
def certifi_():
    """The bundle of certificates, in an SSL context."""
    import certifi
    import ssl

    check(len(ssl.create_default_context(cafile=certifi.where()).get_ca_certs()) > 100)


@area("click")
def click_():
    """A command with options and a group, run by the test runner."""
    import click
    from click.testing import CliRunner

    @click.group()
    def cli():
        pass

    @cli.command()
    @click.option("--count", type=int, default=1)
    def hello(count):
        click.echo("hello " * count)

    check(CliRunner().invoke(cli, ["hello", "--count", "2"]).output == "hello hello \n")
    check("Usage:" in CliRunner().invoke(cli, ["--help"]).output)


@area("Flask")
def flask_():
    """Routes, templates, sessions and JSON, through the test client; the command flask."""
    import flask

    app = flask.Flask(__name__)
    app.secret_key = "key"

    @app.get("/<name>")
    def hello(name):
        flask.session["name"] = name
        return flask.render_template_string("Hello, {{ name }}!", name=name)

    @app.post("/json")
    def json():
        return flask.jsonify(got=flask.request.json, session=dict(flask.session))

    with app.test_client() as client:
        check(client.get("/<b>").text == "Hello, &lt;b&gt;!")
        check(client.post("/json", json=[1]).json == {"got": [1], "session": {"name": "<b>"}})
    version = subprocess.run(["flask", "--version"], capture_output=True, text=True)
    check("Flask 3." in version.stdout, version)


@area("gunicorn")
def gunicorn_():
    """The command serves an application with two workers, and stops when it is asked to."""
    import time
    import urllib.request

    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/app.py", "w") as file:
            file.write("def app(environ, start):\n    start('200 OK', [])\n    return [environ['PATH_INFO'].encode()]\n")
        with HTTPServer(("127.0.0.1", 0), Echo) as free:
            port = free.server_port
        server = subprocess.Popen(["gunicorn", "--workers=2", f"--bind=127.0.0.1:{port}", "app:app"], cwd=folder, stderr=subprocess.PIPE)
        try:
            for _ in range(300):
                try:
                    answer = urllib.request.urlopen(f"http://127.0.0.1:{port}/path").read()
                    break
                except OSError:
                    time.sleep(0.1)
            check(answer == b"/path")
        finally:
            server.terminate()
            # A worker that has only just been forked does not hear of it, and is given 30 seconds.
            check(server.wait(90) == 0)


@area("httpie")
def httpie_():
    """The command http asks a server, and prints the answer."""
    out = subprocess.run(["http", "--ignore-stdin", "--body", serve() + "/path"], capture_output=True, text=True)
    check(out.stdout.strip() == "/path", out)


@area("itsdangerous")
def itsdangerous_():
    """A value is signed, and a changed one refused."""
    import itsdangerous

    serializer = itsdangerous.URLSafeTimedSerializer("key")
    signed = serializer.dumps({"a": 1})
    check(serializer.loads(signed, max_age=60) == {"a": 1})
    try:
        serializer.loads(signed + "x")
        check(False)
    except itsdangerous.BadSignature:
        pass


@area("Jinja2")
def jinja2_():
    """Templates: inheritance, filters, the sandbox; an error has the line of the template."""
    import traceback

    import jinja2
    import jinja2.sandbox

    templates = {"base": "<{% block b %}{% endblock %}>", "page": "{% extends 'base' %}{% block b %}{{ items|join(',') }}{% endblock %}", "bad": "\n{{ 1 / 0 }}"}
    environment = jinja2.sandbox.SandboxedEnvironment(loader=jinja2.DictLoader(templates))
    check(environment.get_template("page").render(items=[1, 2]) == "<1,2>")
    try:
        environment.get_template("bad").render()
        check(False)
    except ZeroDivisionError as error:
        check(traceback.extract_tb(error.__traceback__)[-1].lineno == 2)


@area("MarkupSafe")
def markupsafe_():
    """Escaping, by the C extension where there is one for the platform."""
    import markupsafe

    check(markupsafe.escape("<a>") == "&lt;a&gt;" and markupsafe.Markup("<b>%s</b>") % "<" == "<b>&lt;</b>")
    if os.uname().machine == "x86_64" and os.path.exists("/etc/alpine-release"):
        import markupsafe._speedups

        check(markupsafe._speedups.__file__.endswith(".so"))


@area("PySocks")
def pysocks_():
    """A connection through a SOCKS 5 proxy."""
    import socket

    import socks

    def proxy(listener):
        client, _ = listener.accept()
        client.recv(3)
        client.sendall(b"\5\0")
        client.recv(64)
        client.sendall(b"\5\0\0\1\0\0\0\0\0\0proxied")
        client.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=proxy, args=(listener,), daemon=True).start()
        sock = socks.socksocket()
        sock.set_proxy(socks.SOCKS5, "127.0.0.1", listener.getsockname()[1])
        sock.connect(("192.0.2.1", 80))
        check(sock.recv(7) == b"proxied")
        sock.close()


@area("requests")
def requests_():
    """Requests of a server in a session, with retries, and its certificates."""
    import requests
    import urllib3

    with requests.Session() as session:
        url = serve()
        check(session.get(url + "/path", params={"a": "b"}, timeout=10).text == "/path?a=b")
        check(session.get(url + "/second/once", timeout=10).status_code == 503)
        session.mount("http://", requests.adapters.HTTPAdapter(max_retries=urllib3.Retry(1, status_forcelist=[503])))
        check(session.get(url + "/second/requests", timeout=10).text == "/second/requests")
    check(os.path.exists(requests.certs.where()))


@area("requests_toolbelt")
def requests_toolbelt_():
    """A form of several parts is sent as a stream."""
    import requests
    from requests_toolbelt import MultipartEncoder

    form = MultipartEncoder({"file": ("name", io.BytesIO(b"content"), "text/plain")})
    check(requests.post(serve() + "/form", data=form, headers={"Content-Type": form.content_type}, timeout=10).text == "/form posted")


@area("urllib3")
def urllib3_():
    """Requests through a pool of connections, with retries."""
    import urllib3

    with urllib3.PoolManager(retries=urllib3.Retry(1, status_forcelist=[503])) as pool:
        url = serve()
        check([pool.request("GET", url + path).data for path in ("/0", "/second/1")] == [b"/0", b"/second/1"])


@area("Werkzeug")
def werkzeug_():
    """Routing, requests and responses, hashed passwords."""
    import werkzeug.routing
    import werkzeug.security
    import werkzeug.test
    import werkzeug.wrappers

    urls = werkzeug.routing.Map([werkzeug.routing.Rule("/<int:n>", endpoint="number")]).bind("host")
    check(urls.match("/7") == ("number", {"n": 7}))
    check(werkzeug.security.check_password_hash(werkzeug.security.generate_password_hash("p", method="pbkdf2:sha256:1000"), "p"))
    check(werkzeug.test.Client(werkzeug.wrappers.Response("text")).get("/").text == "text")


if __name__ == "__main__":
    main()
