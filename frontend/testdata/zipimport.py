"""Print what zipimport says of every module of the standard library's zip, as JSON."""

import json
import sys
import zipfile
import zipimport

ARCHIVE = "/usr/local/lib/python313.zip"

result = {"patched": "_distroless_zipimport" in sys.modules, "modules": {}}
for name in zipfile.ZipFile(ARCHIVE).namelist():
    path = name.removesuffix(".pyc").removesuffix("/__init__")
    package, _, _ = path.rpartition("/")
    importer = zipimport.zipimporter(f"{ARCHIVE}/{package}" if package else ARCHIVE)
    dotted = path.replace("/", ".")
    result["modules"][dotted] = [importer.get_filename(dotted), importer.is_package(dotted)]
json.dump(result, sys.stdout)
