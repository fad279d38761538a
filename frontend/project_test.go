package frontend_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// setupOfDebian is a setup.py for the setuptools of the fixtures. That is Debian's, which asks for
// attributes that only Debian's own Python gives to this command.
const setupOfDebian = "from setuptools import setup\nfrom setuptools.command.install import install\ninstall.install_layout = install.prefix_option = None\nsetup(%s)\n"

// project is an application with a pyproject.toml that has something of all that is read.
func project() build {
	return build{
		spec: minimal + `
pip:
  project: .
  extras: [all]
  groups: [prod]
`,
		files: map[string]string{
			".dockerignore": "Dockerfile\nsecret.py\n",
			"pyproject.toml": `[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[project]
name = "Greet.er"
version = "1.0"
requires-python = ">=3.10"
dependencies = [
    "six==1.17.0",
    "absent; python_version < '3'",
]

[project.optional-dependencies]
all = ["greet-er[color]; python_version > '3'", "attrs"]
color = ["colorama"]
unused = ["idna"]

[project.scripts]
greet = "greeter:main"

[dependency-groups]
base = ["tqdm"]
prod = [{include-group = "base"}, "click<9"]
test = ["missing-of-tests"]

[tool.setuptools]
packages = ["greeter"]
`,
			"greeter/__init__.py": "import sys, six\n\ndef main():\n    print('hello of', six.__version__, *sys.argv[1:])\n",
			"setup.py":            fmt.Sprintf(setupOfDebian, ""),
			"secret.py":           "",
		},
	}
}

// The application is built of its sources, with what its pyproject.toml says.
func TestIntegrationProject(t *testing.T) {
	img := project().must(t).Image
	require.Equal(t, []string{
		"attrs==25.3.0", "click==8.1.8", "colorama==0.4.6", "greet.er==1.0", "six==1.17.0", "tqdm==4.67.1",
	}, versions(t, img))
	require.Equal(t, "hello of 1.17.0 you\n", run(t, img, testenv.RunOptions{Entrypoint: []string{"greet"}, Args: []string{"you"}, User: "nonroot", ReadOnly: true}))
	files := filesOf(t, img)
	require.Contains(t, files, sitePackages+"/greeter/__pycache__/__init__.cpython-313.pyc")
	for _, path := range files.Paths() {
		require.NotContains(t, path, "setuptools", "is for the build only")
	}
}

// fileBackend is a build backend (PEP 517) that makes a wheel of one file.
const fileBackend = `
import os, zipfile

def build_wheel(directory, config_settings=None, metadata_directory=None):
    name, info = 'app-1.0-py3-none-any.whl', 'app-1.0.dist-info/'
    with zipfile.ZipFile(os.path.join(directory, name), 'w') as wheel:
        wheel.write('app.py')
        wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\nName: app\nVersion: 1.0\n')
        wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n')
        wheel.writestr(info + 'entry_points.txt', '[console_scripts]\napp = app:main\n')
        wheel.writestr(info + 'RECORD', '')
    return name
`

// smallProject is one that is built with nothing but its own backend.
func smallProject() build {
	return build{
		spec: minimal + "pip: {project: .}\n",
		files: map[string]string{
			".dockerignore": "Dockerfile\nignored.py\n",
			"app.py":        "import six\n\ndef main():\n    print('hello of', six.__version__)\n",
			"backend.py":    fileBackend,
			"pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n" +
				"[project]\nname = 'app'\nversion = '1.0'\ndependencies = [\n    'six==1.17.0',\n]\n[dependency-groups]\ntest = ['missing-of-tests']\n",
		},
	}
}

// What is edited decides what runs: the requirements are read, and only these are installed again.
func TestIntegrationProjectCaching(t *testing.T) {
	const (
		stepRead  = "[pip] read the project"
		stepBuild = "[pip] build and install the project"
		download  = "[pip] download the requirements of the project"
		install   = "[pip] install the requirements of the project"
	)
	must := onOwnDaemon(t)
	img := must(t, smallProject()).Image
	require.Equal(t, "hello of 1.17.0\n", run(t, img, testenv.RunOptions{Entrypoint: []string{"app"}}))
	replace := func(name, old, now string) func(*build) {
		return func(b *build) {
			require.Contains(t, b.files[name], old)
			b.files[name] = strings.Replace(b.files[name], old, now, 1)
		}
	}
	const toml = "pyproject.toml"
	for name, test := range map[string]struct {
		edit func(*build)
		want []string
	}{
		"nothing":                {func(*build) {}, nil},
		"a file that is ignored": {func(b *build) { b.files["ignored.py"] = "changed" }, nil},
		"the configuration":      {func(b *build) { b.spec += "env: {A: b}\n" }, nil},
		"code":                   {replace("app.py", "hello", "bye"), []string{stepLook, stepMerge, stepBuild, stepRead}},
		"another table":          {replace(toml, "[dependency-groups]", "[tool.x]\na = 1\n[dependency-groups]"), []string{stepMerge, stepBuild, stepRead}},
		"a group not chosen":     {replace(toml, "'missing-of-tests'", "'missing-too'"), []string{stepMerge, stepBuild, stepRead}},
		"a dependency": {
			replace(toml, "'six==1.17.0',", "'six==1.17.0', 'idna',"),
			[]string{stepLook, stepMerge, stepRead, stepBuild, download, install},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := smallProject()
			test.edit(&b)
			require.ElementsMatch(t, test.want, ran(must(t, b)))
		})
	}
}

// A build of the sources tells the requirements where no table does.
func TestIntegrationProjectsOfOtherForms(t *testing.T) {
	module := map[string]string{"mod.py": "import six\n\ndef main():\n    print(six.__version__)\n"}
	setup := fmt.Sprintf(setupOfDebian, "name='mod', version='2.0', py_modules=['mod'], "+
		"install_requires=open('needs.txt').read().split(), extras_require={'more': ['idna']}, entry_points={'console_scripts': ['mod = mod:main']}")
	plain := fmt.Sprintf(setupOfDebian, "")
	for name, files := range map[string]map[string]string{
		"setup.py": {"setup.py": setup, "needs.txt": "six"},
		"dynamic": {
			"pyproject.toml": "[project]\nname = 'mod'\nversion = '2.0'\nscripts = {mod = 'mod:main'}\noptional-dependencies = {more = ['idna']}\n" +
				"dynamic = ['dependencies']\n[tool.setuptools]\npy-modules = ['mod']\ndynamic = {dependencies = {file = 'needs.txt'}}\n",
			"needs.txt": "six", "setup.py": plain,
		},
		"without a table of the build": {
			"pyproject.toml": "[project]\nname = 'mod'\nversion = '2.0'\nscripts = {mod = 'mod:main'}\ndependencies = ['six']\noptional-dependencies = {more = ['idna']}\n" +
				"[tool.setuptools]\npy-modules = ['mod']\n",
			"setup.py": plain,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := build{spec: minimal + "pip: {project: src/app, extras: [more]}\n", files: map[string]string{}}
			for _, some := range []map[string]string{files, module} {
				for name, content := range some {
					b.files["src/app/"+name] = content
				}
			}
			img := b.must(t).Image
			require.Equal(t, "1.17.0\n", run(t, img, testenv.RunOptions{Entrypoint: []string{"mod"}}))
			require.Equal(t, []string{"idna==3.10", "mod==2.0", "six==1.17.0"}, versions(t, img))
		})
	}
}

// What is wrong with a project is said at its line, or at that of the spec which names it.
func TestIntegrationProjectFailures(t *testing.T) {
	const system = "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
	for name, test := range map[string]struct {
		pip        string
		files      map[string]string
		want, line string
	}{
		"none": {
			"project: app", nil, "app/pyproject.toml is not in the build context, or .dockerignore lists it", "pip: {project: app}",
		},
		"circle": {
			"project: ., groups: [a]", map[string]string{"pyproject.toml": "[project]\nname = 'app'\n[dependency-groups]\na = [{include-group = 'a'}]\n"},
			"pyproject.toml:4: the dependency groups include each other in a circle: a → a", "a = [{include-group = 'a'}]",
		},
		"python": {
			"project: .", map[string]string{"pyproject.toml": "[project]\nname = 'app'\nrequires-python = '<3.10'\n"},
			"pyproject.toml:3: it is for Python <3.10", "requires-python = '<3.10'",
		},
		"no such extra": {
			"project: ., extras: [web]", map[string]string{"pyproject.toml": "[project]\nname = 'app'\n"},
			`pyproject.toml has no extra "web"; it has none`, "pip: {project: ., extras: [web]}",
		},
		"a requirement that is not found": {
			"project: .", map[string]string{"pyproject.toml": system + "[project]\nname = 'app'\ndependencies = [\n'absent==1',\n]\n", "backend.py": fileBackend},
			"nothing was found for absent==1", "'absent==1',",
		},
		"a build requirement that is not found": {
			"project: .", map[string]string{"pyproject.toml": "[build-system]\nrequires = ['absent-backend']\n[project]\nname = 'app'\n"},
			"nothing was found for absent-backend", "pip: {project: .}",
		},
		"no such extra of a setup.py": {
			"project: ., extras: [web]", map[string]string{"setup.py": fmt.Sprintf(setupOfDebian, "name='mod', version='2.0', extras_require={'more': []}")},
			"pip.extras: the project mod has no extra 'web'", "pip: {project: ., extras: [web]}",
		},
		"a build that fails": {
			"project: .", map[string]string{"pyproject.toml": system + "[project]\nname = 'app'\n", "backend.py": fileBackend},
			"could not be built, see above. It is built without network and secrets", "pip: {project: .}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := build{spec: minimal + "pip: {" + test.pip + "}\n", files: test.files}.fails(t)
			require.Contains(t, log+err.Error(), test.want)
			require.Contains(t, marked(err), test.line)
		})
	}
}

// What a project is built with comes from where requirements files say, and not from the index that
// is asked without them, which may be anyone's.
func TestIntegrationProjectIsBuiltFromSourcesOfRequirementsFiles(t *testing.T) {
	ours, oursContent := wheel(t, "helper", "1.0", map[string]string{"helper.py": ""})
	local, localContent := wheel(t, "local", "1.0", nil)
	index := newIndex(t)
	index.add(wheel(t, "helper", "2.0", map[string]string{"helper.py": "raise Exception('of the index')\n"}))
	req := online()
	req.BuildArgs["PIP_INDEX_URL"] = index.start(t, false)
	img := build{
		spec: minimal + "pip: {project: ., requirements: [requirements.txt]}\n",
		files: map[string]string{
			"pyproject.toml":       "[build-system]\nrequires = ['helper']\nbuild-backend = 'backend'\nbackend-path = ['.']\n[project]\nname = 'app'\nversion = '1.0'\n",
			"backend.py":           "import helper\n" + fileBackend,
			"app.py":               "",
			"requirements.txt":     fmt.Sprintf("-r deps/sources.txt\nlocal==1.0 --hash=sha256:%x\n", sha256.Sum256([]byte(localContent))),
			"deps/sources.txt":     "--no-index\n--find-links wheels\n--require-hashes\n",
			"deps/wheels/" + ours:  oursContent,
			"deps/wheels/" + local: localContent,
		},
		BuildRequest: req,
	}.must(t).Image
	require.Equal(t, []string{"app==1.0", "local==1.0"}, versions(t, img))
	require.Empty(t, index.requests)
}

// A pyproject.toml under requirements says what to install, and is not built.
func TestIntegrationRequirementsOfAPyproject(t *testing.T) {
	img := build{
		spec: minimal + "pip: {requirements: [app/pyproject.toml, more.txt], extras: [color], groups: [prod]}\n",
		files: map[string]string{
			"app/pyproject.toml": "[project]\nname = 'app'\ndependencies = ['six']\noptional-dependencies = {color = ['colorama']}\n[dependency-groups]\nprod = ['tqdm']\n",
			"more.txt":           "idna\n",
		},
	}.must(t).Image
	require.Equal(t, []string{"colorama==0.4.6", "idna==3.10", "six==1.17.0", "tqdm==4.67.1"}, versions(t, img))
}
