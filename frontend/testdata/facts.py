"""Tell what a step of a build can see of what the client asked for."""

import hashlib
import os
import resource
import socket
import struct
import urllib.error
import urllib.request


def address(name):
    """Return what the step's own list of hosts says, without asking the network."""
    with open("/etc/hosts") as hosts:
        for line in hosts:
            words = line.split()
            if name in words[1:]:
                return words[0]
    return ""


def fetch(url):
    """Return the answer, or nothing where there is no network to be had."""
    try:
        return urllib.request.urlopen(url).read().decode()
    except urllib.error.URLError as error:
        if isinstance(error.reason, PermissionError):
            return ""
        raise


def identities():
    """Return how many keys the SSH agent has, or -1 without one for us (RFC draft-miller-ssh-agent)."""
    agent = os.environ.get("SSH_AUTH_SOCK", "")
    if not os.path.exists(agent):
        return -1
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(agent)
        except PermissionError:
            return -1
        connection.sendall(struct.pack(">IB", 1, 11))
        with connection.makefile("rb") as stream:
            return struct.unpack(">IBI", stream.read(9))[2]


def digest(path):
    """Return that of a file, or nothing where it is absent or not for us to read."""
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except (FileNotFoundError, PermissionError):
        return ""


def facts(url):
    shm = os.statvfs("/dev/shm")
    return {
        "address": address("somewhere.example"),
        "fetched": fetch(url),
        "hostname": socket.gethostname(),
        "identities": identities(),
        "netrc": digest("/run/secrets/netrc"),
        "known_hosts": digest("/etc/ssh/ssh_known_hosts"),
        "nofile": list(resource.getrlimit(resource.RLIMIT_NOFILE)),
        "no_proxy": os.environ.get("no_proxy", ""),
        "shm": shm.f_frsize * shm.f_blocks,
        "uploads_proxy": os.environ.get("ftp_proxy", ""),
    }
