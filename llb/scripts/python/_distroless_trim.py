"""Say of each module that trim left out why it is not there, and how to have it."""

import codecs
import sys


def _names():
    from _distroless_trimmed import NAMES  # not at the top: most programs import what is there

    return NAMES.split()


def _why(name):
    return f"trim left it out of this image, as no traced command opened it. Put {name!r} under trim.keep in the spec to have it"


def _from_package():
    """Is this an import as in `from package import module`?

    That passes over the module's not being found, and has its own error, which says nothing of us.
    """
    frame = sys._getframe(2)
    while frame and frame.f_code.co_filename.startswith("<frozen importlib."):
        if frame.f_code.co_name == "_handle_fromlist":
            return True
        frame = frame.f_back
    return False


class _Loader:
    @staticmethod
    def create_module(spec):
        package, _, module = spec.name.rpartition(".")
        if package and _from_package():
            raise ImportError(f"cannot import name {module!r} from {package!r}: {_why(spec.name)}", name=package)
        raise ModuleNotFoundError(f"No module named {spec.name!r}: {_why(spec.name)}", name=spec.name)

    @staticmethod
    def exec_module(module):
        """Be what the import system takes for a loader; create_module has raised."""

    @staticmethod
    def get_code(name):
        raise ModuleNotFoundError(f"No module named {name!r}: {_why(name)}", name=name)


class _Finder:
    """Asked after all others, so that what is installed under such a name is found."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in _names():
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, _Loader)


def _find_codec(name):
    """The search of the library passes over errors of imports, so a codec is asked for here again."""
    from encodings.aliases import aliases

    module = "encodings." + aliases.get(name, name)
    if module in _names():
        raise LookupError(f"unknown encoding: {name}: {_why(module)}")
    return None


sys.meta_path.append(_Finder)
codecs.register(_find_codec)
