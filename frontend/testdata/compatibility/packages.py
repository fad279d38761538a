"""Areas of packages that pip installs."""

import io
import os
import subprocess
import sys
import tempfile

from areas import area, check, main


@area("attrs")
def attrs_():
    """Classes with validators, converters and slots; asdict."""
    import attrs

    @attrs.define
    class Point:
        x: int = attrs.field(converter=int, validator=attrs.validators.ge(0))

    check(attrs.asdict(Point("3")) == {"x": 3})
    try:
        Point(-1)
        check(False)
    except ValueError:
        pass


@area("charset_normalizer")
def charset_normalizer_():
    """The encoding of a text is found."""
    import charset_normalizer

    text = "Ещё раз: быстрая коричневая лиса прыгает через ленивую собаку. " * 5
    check(str(charset_normalizer.from_bytes(text.encode("cp1251")).best()) == text)


@area("colorama")
def colorama_():
    """Colours, and their removal for what is no terminal."""
    import colorama

    out = io.StringIO()
    colorama.AnsiToWin32(out, strip=True).write(colorama.Fore.RED + "red" + colorama.Style.RESET_ALL)
    check(out.getvalue() == "red")


@area("defusedxml")
def defusedxml_():
    """A document is parsed, and one with entities refused."""
    import defusedxml
    import defusedxml.ElementTree as ElementTree

    check(ElementTree.fromstring("<a><b/></a>")[0].tag == "b")
    try:
        ElementTree.fromstring('<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>')
        check(False)
    except defusedxml.EntitiesForbidden:
        pass


@area("idna")
def idna_():
    """Names to their ASCII form and back."""
    import idna

    check(idna.encode("ドメイン.テスト") == b"xn--eckwd4c7c.xn--zckzah" and idna.decode("xn--eckwd4c7c.xn--zckzah") == "ドメイン.テスト")


@area("markdown_it_py")
def markdown_it_py_():
    """A text becomes HTML, with a table."""
    import markdown_it

    check(markdown_it.MarkdownIt().enable("table").render("# a\n\n| b |\n|---|\n| c |\n").startswith("<h1>a</h1>\n<table>"))


@area("mdurl")
def mdurl_():
    """URLs are taken apart and encoded."""
    import mdurl

    check(mdurl.encode("http://a/ü") == "http://a/%C3%BC" and mdurl.parse("http://a:80/b").port == "80")


@area("multidict")
def multidict_():
    """Several values of a key, whatever its case."""
    import multidict

    values = multidict.CIMultiDict([("A", 1), ("a", 2)])
    check(values.getall("a") == [1, 2] and values.getone("A") == 1)


@area("packaging")
def packaging_():
    """Versions, specifiers, markers, and the tags of this platform."""
    from packaging import markers, specifiers, tags, version

    check(version.Version("1.10") > version.Version("1.9") and "1.5" in specifiers.SpecifierSet("~=1.2"))
    check(markers.Marker("python_version >= '3.10' and sys_platform == 'linux'").evaluate())
    check(any(tag.abi == "none" for tag in tags.sys_tags()))


@area("pip")
def pip_():
    """The list of what is installed, which the image's own pip prints if the spec asks for pip."""
    out = subprocess.run([sys.executable, "-m", "pip", "--disable-pip-version-check", "list"], capture_output=True, text=True)
    check("requests" in out.stdout, out)


@area("Pygments")
def pygments_():
    """A program becomes HTML with colours; all lexers load."""
    import pygments
    import pygments.formatters
    import pygments.lexers

    check('<span class="k">' in pygments.highlight("if x: pass", pygments.lexers.PythonLexer(), pygments.formatters.HtmlFormatter()))
    check(sum(1 for name, aliases, *_ in pygments.lexers.get_all_lexers() if aliases and pygments.lexers.get_lexer_by_name(aliases[0])) > 400)


@area("python_dateutil")
def dateutil_():
    """Dates are read, and rules of recurrence followed."""
    import dateutil.parser
    import dateutil.relativedelta
    import dateutil.rrule

    day = dateutil.parser.parse("30 January 2024")
    check((day + dateutil.relativedelta.relativedelta(months=1)).day == 29)
    check(len(list(dateutil.rrule.rrule(dateutil.rrule.DAILY, count=3, dtstart=day))) == 3)


@area("python_dotenv")
def dotenv_():
    """A file of variables is read, and names in it replaced."""
    import dotenv

    check(dotenv.dotenv_values(stream=io.StringIO("A=1\nB=${A}2\n")) == {"A": "1", "B": "12"})


@area("PyYAML")
def yaml_():
    """A document is read and written, with anchors and merges."""
    import yaml

    check(yaml.safe_load("a: &a {b: 1}\nc: {<<: *a, d: [2.5, null]}") == {"a": {"b": 1}, "c": {"b": 1, "d": [2.5, None]}})
    check(yaml.safe_dump({"a": ["☃"]}, allow_unicode=True) == "a:\n- ☃\n")


@area("rich")
def rich_():
    """A table, coloured source and a traceback on a console."""
    import rich.console
    import rich.syntax
    import rich.table

    console = rich.console.Console(file=io.StringIO(), width=60)
    table = rich.table.Table("column")
    table.add_row("cell")
    console.print(table, rich.syntax.Syntax("if x: pass", "python"))
    try:
        square("a" * 3)
    except TypeError:
        console.print_exception()
    out = console.file.getvalue()
    check("cell" in out and "return n * n" in out and "TypeError" in out, out)


def square(n):
    return n * n


@area("setuptools")
def setuptools_():
    """A source distribution of a project is made, by the build backend."""
    import setuptools.build_meta

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with open("pyproject.toml", "w") as file:
            file.write("[project]\nname = 'some'\nversion = '1'\n[tool.setuptools]\npy-modules = []\n")
        check(setuptools.build_meta.build_sdist(folder) == "some-1.tar.gz")


@area("six")
def six_():
    """Moved modules and the helpers of strings."""
    import six
    from six.moves import urllib

    check(urllib.parse.quote("ü") == "%C3%BC" and six.ensure_text(b"a") == "a" and six.PY3)


@area("tqdm")
def tqdm_():
    """A progress bar over a loop."""
    import tqdm

    out = io.StringIO()
    check(sum(tqdm.tqdm(range(5), file=out)) == 10 and "5/5" in out.getvalue())


@area("typing_extensions")
def typing_extensions_():
    """Typed dictionaries, protocols, annotations at run time."""
    import typing_extensions as typing

    class Movie(typing.TypedDict, total=False):
        name: typing.Required[str]

    @typing.runtime_checkable
    class Closes(typing.Protocol):
        def close(self): ...

    check(Movie.__required_keys__ == {"name"} and isinstance(io.StringIO(), Closes))


if __name__ == "__main__":
    main()
