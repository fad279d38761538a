"""Who pip is to the hosts it downloads from.

The logins of a spec come as JSON, a list of objects with

  host           HOST or HOST:PORT; without a port it stands for all
  username       or username_file, a file that has it
  password_file  a file that has the password

The files are build secrets. They are read where they are and copied nowhere, and pip asks
for a login by the host that it is about to talk to. So none is in an argument, in the
environment or in a file of pip's, and a redirect to another host takes none along.
"""

import base64
import json
import netrc
import os
import re
import ssl
import urllib.parse

HIDDEN = "****"
# What is shorter is in many words of a log.
LEAST = 4
# In a netrc file: with these the user is a token.
NO_PASSWORDS = ("", "x-oauth-basic")


class Wrong(Exception):
    """A secret is not what it should be; the message says what to do."""


class Logins:
    def __init__(self, text):
        self.entries = json.loads(text or "[]")

    def of(self, url):
        """The user and the password for the host of a URL, or None."""
        parts = urllib.parse.urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        for host in (f"{name}:{port}", name):
            for entry in self.entries:
                if entry["host"].lower() == host:
                    return login(entry)
        return None

    def words(self):
        """All that must not be shown."""
        for entry in self.entries:
            user, password = login(entry)
            yield from forms(user, password)
            if "username_file" in entry:
                yield from name_forms(user)


def login(entry):
    user = entry["username"] if "username" in entry else secret(entry["username_file"])
    return user, secret(entry["password_file"])


def secret(path):
    """A secret of one line, which editors and echo end."""
    check_given(path)
    name = os.path.basename(path)
    try:
        with open(path, encoding="utf-8") as file:
            value = file.read().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Wrong(f"the build secret {name} is not text: expected one line in UTF-8") from None
    if not value or "\n" in value:
        raise Wrong(f"the build secret {name} has {'more than one line' if value else 'nothing in it'}: expected one line")
    return value


def check_given(path):
    """The step that looks for a secret may be cached of a build that had it."""
    name = os.path.basename(path)
    if not os.path.exists(path):
        raise Wrong(f"the build secret {name} is missing: build with --secret id={name},src=FILE")


def forms(user, password):
    """How a password can be written; base64 is how it is sent."""
    yield from name_forms(password)
    for encoding in ("utf-8", "latin-1"):
        yield base64.b64encode(f"{user}:{password}".encode(encoding, "replace")).decode()


def name_forms(name):
    yield name
    yield urllib.parse.quote(name, safe="")


def netrc_words(path):
    """The same of a netrc file. What is in it is not shown if it is none."""
    if not os.path.exists(path):
        return
    try:
        hosts = netrc.netrc(path).hosts
    except netrc.NetrcParseError as error:
        raise Wrong(f"the build secret netrc is not a netrc file: line {error.lineno} is not understood") from None
    except UnicodeDecodeError:
        raise Wrong("the build secret netrc is not a netrc file: expected text in UTF-8") from None
    for user, account, password in hosts.values():
        user, password = user or account or "", password or ""
        yield from forms(user, password)
        if password in NO_PASSWORDS:
            yield from name_forms(user)


def hiding(words):
    """A function that takes words out of a line."""
    words = sorted({word for word in words if len(word) >= LEAST}, key=len, reverse=True)
    if not words:
        return lambda line: line
    pattern = re.compile("|".join(map(re.escape, words)))
    return lambda line: pattern.sub(HIDDEN, line)


def use(logins):
    """Have pip, which has not been started yet, ask for logins here before it looks into netrc."""
    from pip._vendor.requests import sessions, utils

    from_netrc = utils.get_netrc_auth

    def get_netrc_auth(url, raise_errors=False):
        found = logins.of(url)
        if found is None:
            return from_netrc(url, raise_errors)
        # It is sent as Latin-1; servers expect UTF-8.
        return tuple(text.encode("utf-8").decode("latin-1") for text in found)

    utils.get_netrc_auth = sessions.get_netrc_auth = get_netrc_auth


def certificates(authorities, client):
    """The variables by which pip takes certificates from files, where there are any."""
    environ = {}
    if os.path.exists(authorities):
        check_authorities(authorities)
        environ["PIP_CERT"] = authorities
    if os.path.exists(client):
        check_client(client)
        environ["PIP_CLIENT_CERT"] = client
    return environ


def check_authorities(path):
    try:
        found = ssl.create_default_context(cafile=path).get_ca_certs()
    except (OSError, ValueError):
        found = []
    if not found:
        what = "the build secret pip-cert" if path.startswith("/run/") else "pip.cert"
        raise Wrong(f"{what} has no certificate of an authority: expected a file in PEM format")


def check_client(path):
    def no_password():
        raise ValueError

    try:
        ssl.create_default_context().load_cert_chain(path, password=no_password)
    except (OSError, ValueError):
        raise Wrong(
            "the build secret with the client certificate is none: expected a file in PEM format with the"
            " certificate and its private key, which is not encrypted"
        ) from None
