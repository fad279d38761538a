package frontend_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
	"github.com/autumnjolitz/distroless-frontend/llb/scripts"
)

// flaskRequests has the server of examples/simple-flask traced.
const flaskRequests = "trim:\n  requests: [http://localhost:8080/, http://localhost:8080/_health, http://localhost:8080/absent]\n"

// flask is examples/simple-flask with more keys.
func flask(t *testing.T, keys string) build {
	t.Helper()
	b := build{files: map[string]string{}}
	for _, name := range []string{"hello.py", "requirements.txt", "Dockerfile"} {
		text, err := os.ReadFile(filepath.Join("../examples/simple-flask", name))
		require.NoError(t, err)
		b.files[name] = string(text)
	}
	b.spec = b.files["Dockerfile"] + "\n" + keys
	delete(b.files, "Dockerfile")
	return b
}

// libraryBytes is the size on disk of the standard library and of shared libraries, but for
// libpython, which is the interpreter.
func libraryBytes(t *testing.T, img *testenv.Image) (total int64) {
	t.Helper()
	for name, file := range filesOf(t, img) {
		switch {
		case !file.Mode.IsRegular(), strings.Contains(name, "/libpython"):
		case strings.HasPrefix(name, "/usr/local/lib/python3.13/site-packages/"):
		case strings.HasPrefix(name, "/usr/local/lib/"), strings.Contains(filepath.Base(name), ".so"):
			total += file.Size
		}
	}
	return total
}

func TestIntegrationTrimmedFlask(t *testing.T) {
	whole, res := flask(t, "").must(t).Image, flask(t, flaskRequests).must(t)
	img := res.Image

	t.Run("takes a third less", func(t *testing.T) {
		before, after := libraryBytes(t, whole), libraryBytes(t, img)
		saved := 100 * float64(before-after) / float64(before)
		t.Logf("library and libraries: %d bytes, trimmed %d, %.1f %% less", before, after, saved)
		if shared.Env(t).StandIn() {
			t.Skip("the stand-in's libraries are others")
		}
		require.GreaterOrEqual(t, saved, 35.0)
	})
	t.Run("answers", func(t *testing.T) {
		port := freePort(t)
		env := []string{"FLASK_RUN_PORT=" + port}
		container, err := img.Start(t.Context(), testenv.RunOptions{Env: env, ReadOnly: true, CapDrop: []string{"ALL"}})
		require.NoError(t, err)
		for path, want := range map[string]string{"/": "Hello, world!\n", "/_health": `{"status":"ok"}` + "\n"} {
			expectedRequest{Path: path, Body: want}.require(t, container, "http://127.0.0.1:"+port)
		}
		expectedRequest{Path: "/absent", Status: 404}.require(t, container, "http://127.0.0.1:"+port)
		requireHealth(t, img, env, true)
		res, err := container.Stop()
		require.NoError(t, err)
		require.NotContains(t, res.Stderr, "Error")
	})
	t.Run("says what was left out", func(t *testing.T) {
		t.Log(regexp.MustCompile(`trim: .*`).FindAllString(res.Log(), -1))
		require.Regexp(t, `trim: \d+ modules stay, \d+ are left out`, res.Log())
		require.Regexp(t, `\d+ % less`, res.Log())
	})
	t.Run("the package database agrees", func(t *testing.T) {
		db := apkDatabase(t, img)
		requirePackagesWhole(t, img, db)
		requireNoPhantoms(t, img, db)
		if !shared.Env(t).StandIn() {
			require.Contains(t, apkDatabase(t, whole), "sqlite-libs")
			require.NotContains(t, db, "sqlite-libs")
		}
	})
}

func TestIntegrationTrimmedModulesSayHowToHaveThem(t *testing.T) {
	img := flask(t, flaskRequests).must(t).Image
	imported := func(statement string) string {
		return run(t, img, testenv.RunOptions{Entrypoint: []string{"python", "-c", `
try:
    ` + statement + `
    print("no error")
except (ImportError, LookupError) as error:
    print(f"{type(error).__name__}: {error}")
`}})
	}
	why := func(name string) string {
		return ": trim left it out of this image, as no traced command opened it. Put '" + name + "' under trim.keep in the spec to have it\n"
	}
	for statement, name := range map[string]string{
		"import sqlite3":                "sqlite3",
		"import sqlite3.dbapi2":         "sqlite3",
		"from email.mime import text":   "email.mime",
		"import unittest.mock":          "unittest",
		"import _sqlite3":               "_sqlite3",
		"import xml.etree.ElementTree":  "xml",
		"import multiprocessing.shared": "multiprocessing",
	} {
		require.Equal(t, "ModuleNotFoundError: No module named '"+name+"'"+why(name), imported(statement), statement)
	}
	require.Equal(t, "ImportError: cannot import name 'robotparser' from 'urllib'"+why("urllib.robotparser"), imported("from urllib import robotparser"))
	require.Equal(t, "ModuleNotFoundError: No module named 'urllib.robotparser'"+why("urllib.robotparser"), imported("import urllib.robotparser"))
	require.Equal(t, "LookupError: unknown encoding: koi8_r"+why("encodings.koi8_r"), imported("'x'.encode('koi8-r')"))
	require.Equal(t, "LookupError: unknown encoding: nonsense\n", imported("'x'.encode('nonsense')"))
	require.Equal(t, "ModuleNotFoundError: No module named 'nonsense'\n", imported("import nonsense"))
	require.Contains(t, imported("import tkinter"), "stdlib.include", "of what is left out anyway, it is another key")
	require.Equal(t, "no error\n", imported("import traceback, warnings, encodings.cp1252, encodings.idna, json"))

	res, err := img.Run(t.Context(), testenv.RunOptions{Entrypoint: []string{"python", "-m", "calendar"}})
	require.NoError(t, err)
	require.NotZero(t, res.ExitCode)
	require.Contains(t, res.Stderr, "No module named 'calendar'"+strings.TrimSpace(why("calendar")))
}

func TestIntegrationTrimKeep(t *testing.T) {
	b := flask(t, flaskRequests+"  keep: [sqlite3, email.mime, encodings.koi8_r, venv, multiprocessing.pool]\n")
	img := b.must(t).Image
	require.Equal(t, "[(1,)] text п\n", run(t, img, testenv.RunOptions{Entrypoint: []string{"python", "-c", `
import email.mime.text, sqlite3
print(sqlite3.connect(":memory:").execute("select 1").fetchall(), email.mime.text.MIMEText("").get_content_maintype(),
      b"\xd0".decode("koi8-r"))
`}}))
	require.Equal(t, "/tmp/v\n", run(t, img, testenv.RunOptions{Entrypoint: []string{"sh", "-c",
		"python -m venv /tmp/v && /tmp/v/bin/python -c 'import sys; print(sys.prefix)' && test -e /tmp/v/bin/activate"}}))
	res, err := img.Run(t.Context(), testenv.RunOptions{Entrypoint: []string{"sh", "-c", "python -m venv /tmp/v && exec /tmp/v/bin/python -c 'import wave'"}})
	require.NoError(t, err)
	require.Contains(t, res.Stderr, "No module named 'wave'")
	require.NotContains(t, res.Stderr, "trim left it out", "which the limits of docs/trim.rst say")
	require.Equal(t, "[1, 4] [1, 4]\n", run(t, img, testenv.RunOptions{Entrypoint: []string{"python", "-c", `
from multiprocessing.pool import Pool, ThreadPool
with Pool(2) as processes, ThreadPool(2) as threads:
    print(processes.map(abs, [-1, 4]), threads.map(abs, [-1, 4]))
`}}), "its own package is imported in functions, by relative names")
	db := apkDatabase(t, img)
	requirePackagesWhole(t, img, db)
	if !shared.Env(t).StandIn() {
		require.Contains(t, db, "sqlite-libs")
	}
}

// Commands run as in a container of the image: its user, folder, environment and shell.
func TestIntegrationTrimRunsCommandsAsTheImage(t *testing.T) {
	b := build{
		spec: minimal + `
files: [{from: app.py, to: /app/}]
user: nonroot
workdir: /app
env: {GREETING: hello}
trim:
  run:
    - [python, app.py]
    - test "$GREETING" = hello && exec python -c 'import csv'
`,
		files: map[string]string{"app.py": `
import getpass, os, socket, subprocess, sys, threading
assert (os.getcwd(), os.environ["GREETING"], os.getuid(), os.getgid()) == ("/app", "hello", 65532, 65532)
assert getpass.getuser() == "nonroot" and os.path.expanduser("~") == "/home/nonroot", os.environ
try:
    socket.create_connection(("192.0.2.1", 80), 1)
except OSError as error:
    print("no network:", error)
else:
    sys.exit("there is a network")
open("/tmp/file", "w").close()
subprocess.run([sys.executable, "-c", "import colorsys"], check=True)
thread = threading.Thread(target=__import__, args=["graphlib"])
thread.start()
thread.join()
if not os.fork():
    import sched
    os._exit(0)
os.wait()
`},
	}
	res := b.must(t)
	for _, name := range []string{"csv", "colorsys", "graphlib", "sched"} {
		run(t, res.Image, testenv.RunOptions{Args: []string{"-c", "import " + name}})
	}
	require.NotContains(t, filesOf(t, res.Image), "/tmp/file", "what a command writes is not in the image")
	require.Contains(t, importError(t, res.Image, "import calendar"), "trim.keep")
}

func TestIntegrationTrimCaching(t *testing.T) {
	flask(t, flaskRequests).must(t)
	b := flask(t, flaskRequests)
	require.Empty(t, ran(b.must(t)))

	b.spec += "labels: {a: b}\n"
	require.Empty(t, ran(b.must(t)), "nothing that is traced has changed")

	b.files["hello.py"] += "\n# an edit\n"
	steps := ran(b.must(t))
	require.Equal(t, []string{
		stepCompile + ", for trim", "[files] copy hello.py to /app/", "[files] copy hello.py to /app/, for trim",
		stepFind, stepFind + ", for trim", stepMerge, stepMerge + ", for trim", "[trim] find the libraries that nothing needs",
		"[trim] trace the answers to http://localhost:8080/ http://localhost:8080/_health http://localhost:8…",
	}, steps, "what is left out is the same, and so is the root")
}

func TestIntegrationTrimIsReproducible(t *testing.T) {
	b := flask(t, flaskRequests)
	b.ExportAttrs = map[string]string{"rewrite-timestamp": "true"}
	one, two := b.twice(t, freshDaemon(t, shared.Env(t)))
	requireSame(t, one, two)
}

func TestIntegrationTrimReport(t *testing.T) {
	b := flask(t, flaskRequests)
	b.Target = "trim-report"
	data, err := b.must(t).Image.ReadFile(t.Context(), "/trim.json")
	require.NoError(t, err)
	var report struct {
		Modules struct {
			Kept    []string
			LeftOut []string `json:"left-out"`
		}
		Bytes struct{ Before, After int64 }
	}
	require.NoError(t, json.Unmarshal(data, &report))
	require.Contains(t, report.Modules.Kept, "socketserver")
	require.Contains(t, report.Modules.LeftOut, "sqlite3.dbapi2")
	for _, name := range report.Modules.Kept {
		require.False(t, slices.Contains(report.Modules.LeftOut, name), name)
	}
	require.Less(t, report.Bytes.After, report.Bytes.Before)

	_, err = build{spec: minimal, BuildRequest: testenv.BuildRequest{Target: "trim-report"}}.fails(t)
	require.ErrorContains(t, err, "the spec has no trim")
}

// A library that another needs is in the image, and so not reported to be left out.
func TestIntegrationTrimReportsNoLibraryThatIsNeeded(t *testing.T) {
	img := withScripts(t, "trim_libraries.py", "elf.py", "stdlib.py", "bytecode.py")
	program := `
import argparse, os, sys
sys.path.insert(0, "/ops")
import trim_libraries
def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
write("/tmp/opened", b"")
write("/tmp/base/lib/apk/db/installed", b"P:.python-rundeps\nD:so:one.so.1 so:two.so.1 so:three.so.1 so:four.so.1\n\n")
`
	for name, needed := range map[string][]string{
		"app/part.so": {"one.so.1"}, "usr/lib/one.so.1": {"two.so.1", "libc.so"}, "usr/lib/two.so.1": {"three.so.1"},
		"usr/lib/three.so.1": nil, "usr/lib/four.so.1": {"three.so.1"},
	} {
		program += fmt.Sprintf("write(%q, bytes.fromhex(%q))\n", "/tmp/final/"+name, hex.EncodeToString([]byte(elfOf(machineArch(), needed...).content(t))))
	}
	require.Equal(t, "['four.so.1']", python(t, img, program+`
print(list(trim_libraries.spare_libraries(argparse.Namespace(base="/tmp/base", final="/tmp/final", trimmed="/tmp/none", opened=["/tmp/opened"]))))`))
}

// withScripts is an image with some of our scripts in /ops.
func withScripts(t *testing.T, names ...string) *testenv.Image {
	t.Helper()
	b := build{spec: minimal + "files: [{from: ops, to: /ops/}]\n", files: map[string]string{}}
	for _, name := range names {
		script, err := scripts.FS.ReadFile("ops/" + name)
		require.NoError(t, err)
		b.files["ops/"+name] = string(script)
	}
	return b.must(t).Image
}

func TestIntegrationTrimErrors(t *testing.T) {
	for name, test := range map[string]struct{ keys, line, want string }{
		"a command fails": {
			keys: "trim:\n  run:\n    - [python, -c, 'print(1)']\n    - [python, -c, 'import sys; sys.exit(\"it went wrong\")']\n",
			line: "    - [python, -c, 'import sys; sys.exit(\"it went wrong\")']",
			want: "it went wrong\ntrim: the command ended with status 1: python -c",
		},
		"no such command": {
			keys: "trim:\n  run: [[no-such-command]]\n", line: "  run: [[no-such-command]]",
			want: "no-such-command: No such file or directory",
		},
		"a server ends": {
			keys: "entrypoint: [python, -c, pass]\ntrim:\n  requests: [http://localhost:8080/]\n", line: "  requests: [http://localhost:8080/]",
			want: "trim: the server ended with status 0 before it answered http://localhost:8080/: python -c pass",
		},
		"no such user": {
			keys: "user: nobody-here\ntrim:\n  run: [[python, -c, pass]]\n", line: "  run: [[python, -c, pass]]",
			want: "user 'nobody-here' is not in /etc/passwd of the image",
		},
		"unknown module": {
			keys: "trim:\n  run: [[python, -c, pass]]\n  keep: [csv, sqlite]\n", line: "  keep: [csv, sqlite]",
			want: "trim.keep: 'sqlite' is not a module of the standard library of Python " + shared.Env(t).PythonVersion() + ", did you mean sqlite3?",
		},
		"module of a part": {
			keys: "trim:\n  run: [[python, -c, pass]]\n  keep: [tkinter]\n", line: "  keep: [tkinter]",
			want: "under stdlib.include in the spec to have it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := build{spec: minimal + test.keys}.fails(t)
			require.Contains(t, log, test.want)
			require.Contains(t, testenv.SourceExcerpt(err), ">>> "+test.line)
		})
	}
}

// Our own health check works whatever the commands open, and what stdlib.exclude drops is not missed.
func TestIntegrationTrimKeepsTheHealthcheck(t *testing.T) {
	img := build{spec: minimal + "healthcheck: {tcp: 8080}\nstdlib: {exclude: [tokenize, traceback, encodings.cp437]}\ntrim: {run: [[python, -c, pass]]}\n"}.must(t).Image
	res, err := img.Run(t.Context(), testenv.RunOptions{Entrypoint: img.Config.Config.Healthcheck.Test[1:]})
	require.NoError(t, err)
	require.Equal(t, 1, res.ExitCode)
	require.Regexp(t, `^port 8080: .*Connection refused\n$`, res.Stderr)
	require.Contains(t, importError(t, img, "import tokenize"), "stdlib.exclude")
}

// A builder that cannot trace, or not this image, is one error and not an image without its library.
func TestIntegrationTrimWhereNothingCanBeTraced(t *testing.T) {
	img := withScripts(t, "tracer.py", "confine.py", "trim.py", "stdlib.py", "bytecode.py")
	for program, want := range map[string]string{
		`
import os, tracer
tracer.GET_SYSCALL_INFO = 0x4299  # as a kernel sees it that does not know it
print(tracer.trace(["/bin/sh", "-c", "echo started"], os.dup(1), os.dup(1)))`: "trim: the builder does not let a process trace another (I/O error): it needs Linux 5.3 or later,",
		`
import sys, trim
open("/tmp/opened", "w").close()
sys.argv[1:] = ["--interpreter", "/usr/local", "--library", "/usr/local", "--opened", "/tmp/opened", "--compression", "store",
                "--python-dir", "/ops", "--plan", "/tmp", "--out", "/tmp"]
trim.main()`: "trim: the traces do not have what every start of Python opens",
	} {
		res, err := img.Run(t.Context(), testenv.RunOptions{Args: []string{"-c", "import sys; sys.path.insert(0, '/ops')" + program}})
		require.NoError(t, err)
		require.Contains(t, res.Stderr, want)
		require.NotContains(t, res.Stderr, "Traceback")
		require.NotContains(t, res.Stdout, "started")
	}
}

// The commands run on the platform of the build, and hold for all.
func TestIntegrationTrimForAnotherPlatform(t *testing.T) {
	foreign := shared.Env(t).RequireForeign(t)
	res := build{
		spec:         minimal + "trim:\n  run: [[python, -c, 'import csv, sqlite3']]\n",
		BuildRequest: testenv.BuildRequest{Platforms: []string{foreign.Native, foreign.Platform}},
	}.must(t)
	other := res.Images[foreign.Platform]
	require.Equal(t, foreign.Arch+" 3\n", runForeign(t, foreign, other, testenv.RunOptions{Args: []string{"-c", `
import csv, os, sqlite3
print(os.uname().machine, sqlite3.connect(":memory:").execute("select 1 + 2").fetchone()[0])
`}}))
	db := apkDatabase(t, other)
	requirePackagesWhole(t, other, db)
	requireNoPhantoms(t, other, db)
	require.NotContains(t, db, "libbz2")
	native := filesOf(t, res.Images[foreign.Native])
	const zip = "/usr/local/lib/python313.zip"
	require.Equal(t, native[zip].SHA256, filesOf(t, other)[zip].SHA256)
}
