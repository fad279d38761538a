"""Print every .pyc below the paths given as JSON: {path: [flags, [code names…]]}."""

import json
import marshal
import os
import sys
import types


def code_names(code):
    yield code.co_filename
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from code_names(constant)


result = {}
for top in sys.argv[1:]:
    for folder, _, files in os.walk(top):
        for file in files:
            if file.endswith(".pyc"):
                path = os.path.join(folder, file)
                with open(path, "rb") as content:
                    data = content.read()
                flags = int.from_bytes(data[4:8], "little")
                result[path] = [flags, sorted(set(code_names(marshal.loads(data[16:]))))]
json.dump(result, sys.stdout)
