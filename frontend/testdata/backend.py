"""A build backend (PEP 517) that builds a wheel of what facts.py says."""

import json
import os
import zipfile

from facts import facts

INFO = "probe-1.0.dist-info/"


def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = "probe-1.0-py3-none-any.whl"
    files = {
        "probe.json": json.dumps(facts(open("url").read())),
        INFO + "METADATA": "Metadata-Version: 2.1\nName: probe\nVersion: 1.0\n",
        INFO + "WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[INFO + "RECORD"] = "".join(f"{path},,\n" for path in [*files, INFO + "RECORD"])
    with zipfile.ZipFile(os.path.join(directory, name), "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return name
