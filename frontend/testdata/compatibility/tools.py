"""Areas of the standard library that are tools for programmers."""

import os
import subprocess
import sys
import tempfile
import textwrap

from areas import area, check, main


def square(n):
    return n * n


@area("unittest")
def unittest_():
    """Tests found on disk and run by python -m unittest: subtests, skips, mocks, async ones, a failure with its source line."""
    tests = textwrap.dedent('''
        import unittest
        from unittest import mock
        class Sync(unittest.TestCase):
            def test_subtests(self):
                for n in range(3):
                    with self.subTest(n=n):
                        self.assertLess(n, 3)
            @unittest.skip("skipped")
            def test_skipped(self): pass
            def test_mock(self):
                with mock.patch("os.getcwd", return_value="mocked") as getcwd:
                    import os
                    self.assertEqual(os.getcwd(), "mocked")
                getcwd.assert_called_once_with()
            def test_failing(self):
                self.assertEqual({"a": 1}, {"a": 2})
        class Async(unittest.IsolatedAsyncioTestCase):
            async def test_async(self):
                self.assertEqual(await mock.AsyncMock(return_value=1)(), 1)
    ''')
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/test_it.py", "w") as file:
            file.write(tests)
        run = subprocess.run([sys.executable, "-m", "unittest", "discover", folder], capture_output=True, text=True)
    for text in "Ran 5 tests", "FAILED (failures=1, skipped=1)", 'self.assertEqual({"a": 1}, {"a": 2})', "- {'a': 1}":
        check(text in run.stderr, run.stderr)


@area("doctest")
def doctest_():
    """Examples in the docstrings of a module of one's own and of one of the standard library, and in a text."""
    import difflib
    import doctest

    for module in sys.modules["__main__"], difflib:
        check(doctest.testmod(module).failed == 0)
    check(doctest.testmod(difflib).attempted > 20)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as text:
        text.write(">>> 1 + 1\n2\n>>> 1 / 0\nTraceback (most recent call last):\n    ...\nZeroDivisionError: division by zero\n")
        text.flush()
        check(doctest.testfile(text.name, module_relative=False) == (0, 2))


@area("pydoc")
def pydoc_():
    """Help of modules, classes and functions as text and as HTML, help(), python -m pydoc, search by keyword. But: help('topics') needs stdlib.include: [pydoc_data], and says so."""
    import pydoc

    for thing in "json", "json.JSONDecoder", "str.join", "concurrent.futures":
        check("NAME" in pydoc.render_doc(thing) or "class " in pydoc.render_doc(thing) or "join" in pydoc.render_doc(thing))
    check("<html" in pydoc.html.page("t", pydoc.html.document(pydoc.locate("json"))))
    command = subprocess.run([sys.executable, "-m", "pydoc", "json.loads"], capture_output=True, text=True)
    check("Deserialize" in command.stdout, command)
    found = subprocess.run([sys.executable, "-W", "ignore", "-m", "pydoc", "-k", "decoder"], capture_output=True, text=True)
    check("json.decoder" in found.stdout, found)
    topics = subprocess.run([sys.executable, "-c", "help('if')"], capture_output=True, text=True)
    check("topic and keyword documentation is not available" in topics.stdout, topics)


@area("profile")
def profile_():
    """profile and cProfile of functions and of commands, and the figures that pstats reads."""
    import cProfile
    import io
    import profile
    import pstats

    for profiler in cProfile.Profile(), profile.Profile():
        profiler.runcall(sorted, range(10), key=square)
        out = io.StringIO()
        pstats.Stats(profiler, stream=out).sort_stats("cumulative").print_stats()
        check("(square)" in out.getvalue(), out.getvalue())
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "cProfile", "-o", folder + "/stats", "-m", "json.tool", "--help"], check=True, stdout=subprocess.DEVNULL)
        check(any("argparse.py" in file for file, _, _ in pstats.Stats(folder + "/stats").stats))


@area("tracemalloc")
def tracemalloc_():
    """Snapshots, their difference, and the traceback of an allocation."""
    import tracemalloc

    tracemalloc.start(5)
    before = tracemalloc.take_snapshot()
    kept = [bytes(1000) for _ in range(100)]
    first = tracemalloc.take_snapshot().compare_to(before, "lineno")[0]
    check(first.size_diff > 90_000 and first.traceback[0].filename == __file__, first)
    check("kept = [" in "".join(tracemalloc.get_object_traceback(kept[0]).format()))


@area("venv")
def venv_():
    """An environment, its interpreter and its activate script. But: without pip, as ensurepip installs nothing."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder + "/env"], check=True, stderr=subprocess.DEVNULL)
        program = "import json, ssl, sys; print(sys.prefix)"
        for run in [folder + "/env/bin/python", "-c", program], ["/bin/sh", "-c", f". {folder}/env/bin/activate; python -c '{program}'"]:
            check(subprocess.check_output(run, text=True) == folder + "/env\n")
        check(not os.path.exists(folder + "/env/bin/pip"))


@area("zipapp")
def zipapp_():
    """An archive with an entry point, compressed and with a first line by which it is executed."""
    import zipapp

    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(folder + "/app")
        with open(folder + "/app/hello.py", "w") as file:
            file.write("def main(): print('hello from', __file__)\n")
        archive = folder + "/hello.pyz"
        zipapp.create_archive(folder + "/app", archive, "/usr/bin/env python", "hello:main", compressed=True)
        check(subprocess.check_output([archive], text=True) == f"hello from {archive}/hello.py\n")
        check(zipapp.get_interpreter(archive) == "/usr/bin/env python")


@area("inspect and traceback")
def inspect_():
    """Signatures and sources of one's own code, and source lines in its tracebacks. But: of the standard library there are no sources: tracebacks name file and line only, and getsource raises OSError."""
    import inspect
    import json
    import traceback

    check(inspect.getsource(square) == "def square(n):\n    return n * n\n")
    check(str(inspect.signature(json.loads)).startswith("(s, *, cls=None"))
    try:
        json.loads("{")
    except ValueError as error:
        lines = traceback.format_exception(error)
    check("json.loads(" in lines[1] and "/usr/local/lib/python3." in lines[2] and len(lines[2].splitlines()) == 1, lines)
    try:
        inspect.getsource(json)
        check(False)
    except OSError:
        pass


if __name__ == "__main__":
    main()
