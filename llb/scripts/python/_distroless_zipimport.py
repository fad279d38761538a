"""Import from the standard library's zip without reading each module twice.

zipimporter.find_spec asks get_filename for the module's path, and that reads,
inflates and unmarshals the whole module to learn it; the import then does so
again. The zip of the standard library holds nothing but .pyc files, so there
the path follows from the name. Every other zip is left to zipimport.
"""

import sys
from zipimport import zipimporter

# As CPython itself spells it (Modules/getpath.py): python313.zip.
_STDLIB_ZIP = "{0.base_prefix}/{0.platlibdir}/python{0.version_info[0]}{0.version_info[1]}.zip".format(sys)


def _get_filename(self, fullname, _original=zipimporter.get_filename):
    if self.archive != _STDLIB_ZIP:
        return _original(self, fullname)
    suffix = "/__init__.pyc" if self.is_package(fullname) else ".pyc"
    return f"{self.archive}/{self.prefix}{fullname.rpartition('.')[2]}{suffix}"


zipimporter.get_filename = _get_filename
