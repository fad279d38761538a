package frontend_test

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// sourceContext is a context with Python sources of every kind.
func sourceContext(t *testing.T) string {
	t.Helper()
	dir := contextDir(t, map[string]string{
		"app/migrations/0001_initial.py": "",
		"app/package/linked.py":          "print('by a link')\n",
		"app/main.py":                    "'''The doc.'''\nimport package.inner\nassert not __debug__, 'checked'\nprint(__doc__, package.inner.f.__doc__)\n",
		"app/package/inner.py":           "def f():\n    '''The inner doc.'''\n    raise ValueError('inner')\n",
		"app/package/data.json":          "{}",
		"app/invalid.py":                 "print 'of Python 2'\n",
		"app/empty.py":                   "",
		"app/not-a-module.py":            "print('by its path')\n",
		"app/run.py":                     "#!/usr/bin/env python\nprint('program')\n",
		"app/bytes.py":                   "\x00",
		"app/templates/t.txt":            "{{ x }}",
		"other.py":                       "import os\nprint(os.getuid())\n",
	})
	require.NoError(t, os.Chmod(filepath.Join(dir, "app/run.py"), 0o755))
	require.NoError(t, os.Chmod(filepath.Join(dir, "app/package/inner.py"), 0o640))
	require.NoError(t, os.Symlink("package/inner.py", filepath.Join(dir, "app/link.py")))
	require.NoError(t, os.Symlink("/usr/local/lib/python3.13/os.py", filepath.Join(dir, "app/outside.py")))
	require.NoError(t, os.Symlink("absent.py", filepath.Join(dir, "app/dangling.py")))
	require.NoError(t, os.Symlink("package", filepath.Join(dir, "app/current")))
	require.NoError(t, os.Symlink("/app/current/linked.py", filepath.Join(dir, "app/start")))
	return dir
}

const sourceSpec = minimal + `
pip: {packages: [six, idna]}
files:
  - {from: app, to: /app/, chown: nonroot}
  - {from: other.py, to: /srv, chmod: "0600"}
workdir: /srv
`

// A pyc is what testdata/pycs.py says of a file.
type pyc struct {
	flags int
	names []string // of the files that its code says it comes from
}

func (p *pyc) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&p.flags, &p.names})
}

func pycsOf(t *testing.T, img *testenv.Image, dirs ...string) map[string]pyc {
	t.Helper()
	var found map[string]pyc
	program(t, img, "pycs.py", &found, testenv.RunOptions{Args: append([]string{"pycs.py"}, dirs...)})
	return found
}

// sourceOf returns the source that a pyc in __pycache__ belongs to.
func sourceOf(pyc string) string {
	module, _, _ := strings.Cut(path.Base(pyc), ".")
	return path.Join(path.Dir(path.Dir(pyc)), module+".py")
}

func TestIntegrationBytecodeOfFiles(t *testing.T) {
	img := build{spec: sourceSpec, BuildRequest: testenv.BuildRequest{Dir: sourceContext(t)}}.must(t).Image
	pycs := pycsOf(t, img, "/app", "/srv")
	files := filesOf(t, img)
	var compiled []string
	for name, pyc := range pycs {
		source := sourceOf(name)
		compiled = append(compiled, source)
		require.Equal(t, 1, pyc.flags, "%s is not an unchecked hash-based pyc", name)
		require.Equal(t, []string{source}, pyc.names, name)
		for real := source; ; real = path.Join(path.Dir(real), files[real].Link) {
			if files[real].Link == "" {
				require.Equal(t, files[real].Mode&0o666, files[name].Mode, name)
				require.Equal(t, files[real].UID, files[name].UID, name)
				require.Equal(t, files[real].GID, files[name].GID, name)
				break
			}
		}
		folder := path.Dir(name)
		require.Equal(t, files[path.Dir(folder)].UID, files[folder].UID, folder)
		require.Equal(t, files[path.Dir(folder)].Mode, files[folder].Mode, folder)
	}
	slices.Sort(compiled)
	require.Equal(t, []string{
		"/app/empty.py", "/app/link.py", "/app/main.py", "/app/migrations/0001_initial.py", "/app/not-a-module.py",
		"/app/package/inner.py", "/app/package/linked.py", "/app/run.py", "/srv/other.py",
	}, compiled)
}

// How the interpreter of the base image is set up is nothing to the result.
func TestIntegrationBytecodeOnABaseWithSettings(t *testing.T) {
	env := shared.Env(t)
	const name = "me/python-with-settings:3.13"
	res, err := env.Build(t.Context(), testenv.BuildRequest{
		DockerfileInline: "FROM python:3.13-alpine3.20\nENV PYTHONOPTIMIZE=2 PYTHONPYCACHEPREFIX=/tmp/pyc PYTHONWARNINGS=error PYTHONPATH=/lib\n",
		Push:             env.Registry.Ref(name),
	})
	require.NoError(t, err, res.Log())
	b := build{spec: sourceSpec, BuildRequest: testenv.BuildRequest{Dir: sourceContext(t), BuildArgs: map[string]string{"SOURCE_DATE_EPOCH": "0"}}}
	b.ExportAttrs = map[string]string{"rewrite-timestamp": "true"}
	want := b.must(t).Image
	b.spec = strings.Replace(b.spec, "python: \"3.13\"\nalpine: \"3.20\"\n", "base: "+name+"\n", 1)
	require.Contains(t, b.spec, name)
	require.Equal(t, want.Config.RootFS, b.must(t).Image.Config.RootFS)
}

// What is in the image is not compiled again, and what is not leaves nothing behind.
func TestIntegrationRunsWriteNoBytecode(t *testing.T) {
	img := build{spec: sourceSpec, BuildRequest: testenv.BuildRequest{Dir: sourceContext(t)}}.must(t).Image
	out := python(t, img, `
import os, subprocess, sys
def pycs():
    walk = (os.path.join(d, f) for top in ('/app', '/srv', '/tmp', '/usr', '/root', '/home') for d, _, fs in os.walk(top) for f in fs)
    return {path: os.stat(path).st_mtime_ns for path in walk if path.endswith('.pyc')}
os.mkdir('/tmp/more')
open('/tmp/more/made.py', 'w').close()
before = pycs()
imports = "import sys; sys.path[:0] = ['/app', '/tmp/more', '/usr/local/lib/python3.13/site-packages']; import empty, link, package.inner, six, idna"
for options in ['-I'], ['-S']:
    subprocess.run([sys.executable, *options, '-c', imports], check=True)
for options in [], ['-O'], ['-OO']:
    subprocess.run([sys.executable, *options, '-c', imports + ', made'], check=True)
print(sorted(pycs().items() ^ before.items()), len(before) > 10, os.access('/app', os.W_OK))
`)
	require.Equal(t, "[] True True", out)
}

// imported has the interpreter say where a module's code comes from.
const imported = `
import sys
sys.path.insert(0, '/app')
import package.inner, six, json
for module in package.inner, six, json:
    print(module.__cached__ if module is not json else '', module.__doc__ is None)
print(package.inner.f.__doc__)
`

func TestIntegrationBytecodeOptimized(t *testing.T) {
	req := testenv.BuildRequest{Dir: sourceContext(t)}
	for level, want := range map[string]string{
		"1": "/app/package/__pycache__/inner.cpython-313.opt-1.pyc True\n" +
			"/usr/local/lib/python3.13/site-packages/__pycache__/six.cpython-313.opt-1.pyc False\n False\nThe inner doc.",
		"2": "/app/package/__pycache__/inner.cpython-313.opt-2.pyc True\n" +
			"/usr/local/lib/python3.13/site-packages/__pycache__/six.cpython-313.opt-2.pyc True\n True\nNone",
	} {
		t.Run(level, func(t *testing.T) {
			img := build{spec: sourceSpec + "bytecode: {optimize: " + level + "}\n", BuildRequest: req}.must(t).Image
			require.Contains(t, img.Config.Config.Env, "PYTHONOPTIMIZE="+level)
			require.Equal(t, want, python(t, img, imported))
			require.NotEmpty(t, run(t, img, testenv.RunOptions{Args: []string{"/app/main.py"}}), "assert is compiled out")
			for name, pyc := range pycsOf(t, img, "/app", "/srv", "/usr/local/lib/python3.13/site-packages") {
				require.Contains(t, name, ".opt-"+level+".pyc")
				require.Equal(t, 1, pyc.flags, name)
			}
			require.NotEmpty(t, python(t, img, imports+"; print('imported')"))
			require.Equal(t, "imported", python(t, img, "import subprocess, sys; subprocess.run([sys.executable, '-I', '-c', \""+imports+"; print('imported')\"], check=True)"))
			// Without its environment the interpreter writes where it may, as the documents say.
			for option, written := range map[string]string{"-IB": "[]", "-I": "['inner.cpython-313.pyc']"} {
				require.Equal(t, written, python(t, img, `
import os, subprocess, sys
before = os.listdir('/app/package/__pycache__')
subprocess.run([sys.executable, '`+option+`', '-c', "import sys; sys.path[:0] = ['/app']; import package.inner"], check=True)
print(sorted(set(os.listdir('/app/package/__pycache__')) - set(before)))`))
			}
		})
	}
}

func TestIntegrationSourcesDropped(t *testing.T) {
	dir := sourceContext(t)
	gear, gearContent := wheel(t, "gear", "1.0", map[string]string{"gear/__init__.py": "", "gear/0001_initial.py": ""})
	require.NoError(t, os.WriteFile(filepath.Join(dir, gear), []byte(gearContent), 0o644))
	packages := "[six, idna, gear], find-links: [" + gear + ", " + shared.Env(t).Fixtures.Wheels() + "]"
	spec := strings.Replace(sourceSpec, "[six, idna]", packages, 1) + "bytecode: {sources: drop}\n"
	img := build{spec: spec, BuildRequest: testenv.BuildRequest{Dir: dir}}.must(t).Image
	files := filesOf(t, img)
	var sources []string
	for _, name := range files.Paths() {
		if strings.HasSuffix(name, ".py") && (!strings.HasPrefix(name, sitePackages) || strings.HasPrefix(name, sitePackages+"/gear")) {
			sources = append(sources, name)
		}
	}
	require.Equal(t, []string{
		"/app/bytes.py", "/app/dangling.py", "/app/invalid.py", "/app/migrations/0001_initial.py", "/app/not-a-module.py", "/app/outside.py",
		"/app/package/linked.py", "/app/run.py", sitePackages + "/gear/0001_initial.py",
	}, sources)
	var compiled []string
	for name, pyc := range pycsOf(t, img, "/app", "/srv", sitePackages) {
		require.Equal(t, 1, pyc.flags, name)
		source := strings.TrimSuffix(name, "c")
		if strings.Contains(name, "__pycache__") {
			source = sourceOf(name)
			compiled = append(compiled, source)
		}
		require.Equal(t, []string{source}, pyc.names, name)
	}
	slices.Sort(compiled)
	require.Equal(t, []string{
		"/app/migrations/0001_initial.py", "/app/not-a-module.py", "/app/package/linked.py", "/app/run.py", sitePackages + "/gear/0001_initial.py",
	}, compiled, "sources that stay have bytecode beside them")
	require.Equal(t, 65532, files["/app/package/inner.pyc"].UID)
	require.Contains(t, files, "/app/package/data.json")
	require.Equal(t, "0\n", run(t, img, testenv.RunOptions{Args: []string{"-m", "other"}}))
	require.Equal(t, "by a link\n", run(t, img, testenv.RunOptions{Args: []string{"/app/start"}}))
	require.Equal(t, "program\n", run(t, img, testenv.RunOptions{Entrypoint: []string{"/app/run.py"}}))
	require.Equal(t, "[]", python(t, img, "import importlib.metadata as m; print([f for f in m.files('six') if not f.locate().exists()])"))
	require.Equal(t, "1.17.0 True", python(t, img, "import six, idna, importlib.metadata; print(importlib.metadata.version('six'), six.__file__.endswith('six.pyc'))"))

	// No layer has what another hides: the sizes of all files are those of the files to be seen.
	var size int64
	for _, file := range files {
		if file.Mode.IsRegular() && !file.Hard {
			size += file.Size
		}
	}
	disk, err := img.DiskSize()
	require.NoError(t, err)
	require.Equal(t, size, disk)

	res, err := img.Run(t.Context(), testenv.RunOptions{Args: []string{"-c", "import sys; sys.path.insert(0, '/app'); import package.inner; package.inner.f()"}})
	require.NoError(t, err)
	require.Contains(t, res.Stderr, "File \"/app/package/inner.py\", line 3, in f\nValueError: inner\n")
}

// Where layers are copied over one another, the bytecode leaves the folders of the image as they are.
func TestIntegrationBytecodeInFoldersOfTheImage(t *testing.T) {
	env := shared.Env(t)
	for _, keys := range []string{"", "bytecode: {sources: drop}\n"} {
		b := build{spec: inFolders + keys, files: map[string]string{"app.py": "import six\n"}}
		want := b.must(t).Image
		require.Equal(t, 1000, filesOf(t, want)["/data"].UID)
		req := b.on(t, env)
		req.Frontend = withoutMerge
		res, err := env.Build(t.Context(), req)
		require.NoError(t, err, res.Log())
		requireFilesOf(t, want, res.Image)
	}
}

// The bytecode of the project is as that of what it requires.
func TestIntegrationBytecodeOfAProject(t *testing.T) {
	b := smallProject()
	b.files["app.py"] = "'''The doc.'''\nimport six\nassert not __debug__\n\ndef main():\n    print(__doc__, __file__, __cached__)\n"
	b.spec += "bytecode: {optimize: 2, sources: drop}\n"
	img := b.must(t).Image
	for _, name := range filesOf(t, img).Paths() {
		require.NotContains(t, name, "__pycache__")
		require.False(t, strings.HasPrefix(name, sitePackages) && strings.HasSuffix(name, ".py"), name)
	}
	const compiled = sitePackages + "/app.pyc"
	require.Equal(t, "None "+compiled+" "+compiled+"\n", run(t, img, testenv.RunOptions{Entrypoint: []string{"app"}}))
	require.Equal(t, "[]", python(t, img, "import importlib.metadata as m; print([f for f in m.files('app') if not f.locate().exists()])"))

	b.spec = minimal + "pip: {project: .}\nbytecode: {optimize: 1}\n"
	img = b.must(t).Image
	for name := range pycsOf(t, img, sitePackages) {
		require.Contains(t, name, ".opt-1.pyc")
	}
	require.Equal(t, "The doc. "+sitePackages+"/app.py "+sitePackages+"/__pycache__/app.cpython-313.opt-1.pyc\n",
		run(t, img, testenv.RunOptions{Entrypoint: []string{"app"}}))
}
