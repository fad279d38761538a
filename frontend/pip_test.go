package frontend_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

const sitePackages = "/usr/local/lib/python3.13/site-packages"

// online is a request of someone whose pip needs to be told nothing from outside.
func online() testenv.BuildRequest {
	return testenv.BuildRequest{BuildArgs: map[string]string{"PIP_FIND_LINKS": "", "PIP_NO_INDEX": ""}}
}

// versions returns name==version of the distributions that the interpreter finds in the image.
func versions(t *testing.T, img *testenv.Image) []string {
	t.Helper()
	out := python(t, img, "import importlib.metadata as m\n"+
		"print(*sorted(f'{d.name}=={d.version}'.lower() for d in m.distributions()))")
	return strings.Fields(out)
}

func TestIntegrationPipRequirementsPackagesAndConstraints(t *testing.T) {
	files := map[string]string{
		"requirements.txt":     "# a comment\nrequests==2.32.3  # and what it needs\nabsent==1 ; python_version < '3'\n",
		"more/requirements.in": "attrs\n",
		"constraints.txt":      "demo<2\nsix==1.17.0\n",
	}
	for _, version := range []string{"1.0", "2.0"} {
		name, content := wheel(t, "demo", version, map[string]string{"demo.py": "version = '" + version + "'\n"})
		files["wheels/"+name] = content
	}
	env := shared.Env(t)
	res := build{files: files, spec: minimal + `
pip:
  requirements: [requirements.txt, more/requirements.in]
  packages: [demo, "six>=1.10; python_version >= '3'"]
  constraints: [constraints.txt]
  find-links: [wheels, ` + env.Fixtures.Wheels() + `]
`}.must(t)
	require.Equal(t, []string{
		"attrs==25.3.0", "certifi==2025.1.31", "charset-normalizer==3.4.2", "demo==1.0", "idna==3.10",
		"requests==2.32.3", "six==1.17.0", "urllib3==2.3.0",
	}, versions(t, res.Image))
	require.Equal(t, "1.0", python(t, res.Image, "import demo, requests, attr, six; print(demo.version)"))
}

func TestIntegrationPipIndexes(t *testing.T) {
	whole := newIndex(t)
	url := whole.start(t, false)
	onlySix := newIndex(t)
	onlySix.wheels = map[string][]string{"six": whole.wheels["six"]}
	sixURL := onlySix.start(t, false)
	tls := newIndex(t).start(t, true)

	for name, test := range map[string]struct {
		pip  string
		args map[string]string
	}{
		"index-url":        {pip: "index-url: " + url},
		"extra-index-urls": {pip: "index-url: " + sixURL + "\n  extra-index-urls: [" + url + "]"},
		"trusted-hosts":    {pip: "index-url: " + tls + "\n  trusted-hosts: [127.0.0.1]"},
		"build arguments":  {args: map[string]string{"PIP_INDEX_URL": sixURL, "PIP_EXTRA_INDEX_URL": tls + " " + url, "PIP_TRUSTED_HOST": "127.0.0.1"}},
		"spec over build arguments": {
			pip:  "index-url: " + url,
			args: map[string]string{"PIP_INDEX_URL": "http://127.0.0.1:1/simple"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := build{spec: minimal + "pip:\n  packages: [six, python-dateutil]\n  " + test.pip + "\n", BuildRequest: online()}
			for name, value := range test.args {
				b.BuildArgs[name] = value
			}
			require.Equal(t, []string{"python-dateutil==2.9.0", "six==1.17.0"}, versions(t, b.must(t).Image))
		})
	}
	t.Run("untrusted host", func(t *testing.T) {
		// pip 25.1 fails in another way when the host is an address.
		url := strings.Replace(tls, "127.0.0.1", "localhost", 1)
		log, _ := build{spec: minimal + "pip:\n  packages: [six]\n  index-url: " + url + "\n", BuildRequest: online()}.fails(t)
		require.Contains(t, log, "CERTIFICATE_VERIFY_FAILED")
	})
}

func TestIntegrationPipKeepsWhatItDownloaded(t *testing.T) {
	index := newIndex(t)
	// pip keeps nothing that anyone on the way could have changed.
	url := index.start(t, true)
	spec := minimal + "pip:\n  requirements: [requirements.txt]\n  index-url: " + url + "\n  trusted-hosts: [127.0.0.1]\n"
	build{spec: spec, BuildRequest: online(), files: map[string]string{"requirements.txt": "httpie==3.2.4\n"}}.must(t)
	require.Contains(t, index.downloads(), "httpie-3.2.4-py3-none-any.whl")

	res := build{spec: spec, BuildRequest: online(), files: map[string]string{"requirements.txt": "httpie==3.2.4\nflask\n"}}.must(t)
	require.True(t, res.Vertex("[pip] install").Ran())
	again := index.downloads()
	require.Contains(t, again, "Flask-3.1.1-py3-none-any.whl")
	require.NotContains(t, again, "httpie-3.2.4-py3-none-any.whl")
	require.NotContains(t, again, "requests-2.32.3-py3-none-any.whl")
}

// pipImage has the larger part of the fixtures in it, for tests of what pip left there.
func pipImage(t *testing.T) *testenv.Image {
	t.Helper()
	return build{
		spec:  minimal + "pip:\n  requirements: [requirements.txt]\n  packages: [httpie, gunicorn]\n  find-links: [" + shared.Env(t).Fixtures.Wheels() + ", wheels]\n",
		files: map[string]string{"requirements.txt": "Flask==3.1.1\nmarkupsafe\n", "wheels/.keep": ""},
	}.must(t).Image
}

func TestIntegrationPipConsoleScripts(t *testing.T) {
	img := pipImage(t)
	for script, want := range map[string]string{
		"http":     "3.2.4",
		"flask":    "Python " + shared.Env(t).PythonVersion() + "\nFlask 3.1.1\nWerkzeug 3.1.3",
		"gunicorn": "gunicorn (version 23.0.0)",
	} {
		out := run(t, img, testenv.RunOptions{
			Entrypoint: []string{script}, Args: []string{"--version"}, User: "nonroot", ReadOnly: true, Env: []string{"HOME=/dev/shm"},
		})
		require.Equal(t, want, strings.TrimSpace(out))
		content, err := img.ReadFile(t.Context(), "/usr/local/bin/"+script)
		require.NoError(t, err)
		first, _, _ := strings.Cut(string(content), "\n")
		require.Equal(t, "#!/usr/local/bin/python3.13", first)
	}
}

func TestIntegrationPipExtension(t *testing.T) {
	out := python(t, pipImage(t), "import markupsafe, markupsafe._speedups as s; print(s.__file__, markupsafe.escape('<'))")
	require.Regexp(t, `^`+sitePackages+`/markupsafe/_speedups\..*\.so &lt;$`, out)
}

// builderPaths are the places of the build that the image must know nothing about. The root
// is at /out while pip fills it, and at /d in the buildroot image.
var builderPaths = regexp.MustCompile(`/(out|d)/usr/|/distroless/|/context/|/tmp/pip|/var/cache/chroot`)

func TestIntegrationPipLeavesNoTraceOfTheBuilder(t *testing.T) {
	root, err := pipImage(t).Rootfs(t.Context())
	require.NoError(t, err)
	files := 0
	for _, dir := range []string{sitePackages, "/usr/local/bin", "/usr/local/share"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			files++
			content, err := os.ReadFile(path)
			require.Emptyf(t, builderPaths.Find(content), "in %s", strings.TrimPrefix(path, root))
			return err
		})
		require.NoError(t, err)
	}
	require.Greater(t, files, 500)
	for _, absent := range []string{"/out", "/d", "/distroless", "/context", "/root/.cache", "/var/cache/chroot"} {
		require.NoFileExists(t, filepath.Join(root, absent))
		require.NoDirExists(t, filepath.Join(root, absent))
	}
}

// checkBytecode prints what is wrong with the bytecode of site-packages.
const checkBytecode = `
import importlib.util, marshal, os, sys
def codes(code):
    yield code
    for const in code.co_consts:
        if hasattr(const, 'co_filename'):
            yield from codes(const)
count = 0
for folder, _, files in os.walk('` + sitePackages + `'):
    for name in files:
        path = os.path.join(folder, name)
        if name.endswith('.py'):
            count += 1
            pyc = importlib.util.cache_from_source(path)
            if not os.path.exists(pyc):
                print('no bytecode of', path)
                continue
            data = open(pyc, 'rb').read()
            if data[:4] != importlib.util.MAGIC_NUMBER or int.from_bytes(data[4:8], 'little') != 1:
                print('not an unchecked hash', pyc, data[:8])
            if data[8:16] != importlib.util.source_hash(open(path, 'rb').read()):
                print('not the bytecode of the source', pyc)
            names = {code.co_filename for code in codes(marshal.loads(data[16:]))}
            if names != {path}:
                print('file name', pyc, names)
        elif name.endswith('.pyc') and not os.path.exists(importlib.util.source_from_cache(path)):
            print('no source of', path)
print(count > 300)
`

func TestIntegrationPipBytecode(t *testing.T) {
	img := pipImage(t)
	require.Equal(t, "True", python(t, img, checkBytecode))

	// Were any bytecode missing or outdated, root would write it.
	out := python(t, img, `
import os
def files():
    return {os.path.join(f, n): os.lstat(os.path.join(f, n)).st_mtime for f, _, ns in os.walk('/usr') for n in ns}
before = files()
import flask, httpie.core, gunicorn.app.wsgiapp, requests, rich.console, pygments.lexers.python
print({k: v for k, v in files().items() if before.get(k) != v})
`)
	require.Equal(t, "{}", out)
}

func TestIntegrationPipIgnoresTheBuildersPackages(t *testing.T) {
	env := shared.Env(t)
	push(t, "library/crowded:3.13-alpine3.20", "FROM python:3.13-alpine3.20\n"+
		"RUN pip install --no-index --find-links "+env.Fixtures.Wheels()+" six requests\n")

	spec := "base: crowded:3.13-alpine3.20\npip:\n  packages: [six, pip, requests]\n"
	img := build{spec: spec}.must(t).Image
	require.Equal(t, []string{
		"certifi==2025.1.31", "charset-normalizer==3.4.2", "idna==3.10", "pip==25.1.1", "requests==2.32.3", "six==1.17.0", "urllib3==2.3.0",
	}, versions(t, img))
	require.Contains(t, python(t, img, "import requests, pip; print(pip.__file__)"), sitePackages)
	out := run(t, img, testenv.RunOptions{Entrypoint: []string{"pip", "--version"}})
	require.Contains(t, out, "pip 25.1.1 from "+sitePackages)

	// Nor do they get into an image that did not ask for them.
	require.Empty(t, versions(t, build{spec: "base: crowded:3.13-alpine3.20\n"}.must(t).Image))
}

func TestIntegrationPipFailures(t *testing.T) {
	for name, test := range map[string]struct{ pip, want, line string }{
		"no such distribution": {
			"  packages: [absent==1.0]", "No matching distribution found for absent==1.0", "packages: [absent==1.0]",
		},
		"in the requirements": {
			"  requirements: [requirements.txt]", "No matching distribution found for missing>=3", "requirements: [requirements.txt]",
		},
		"conflict with a constraint": {
			"  packages: [six]\n  constraints: [constraints.txt]", "The user requested (constraint) six==1.0", "packages: [six]",
		},
		"not a requirement": {
			"  packages: ['six ==']", "Invalid requirement: 'six =='", "packages: ['six ==']",
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"requirements.txt": "six\nmissing>=3\n", "constraints.txt": "six==1.0\n"}
			log, err := build{spec: minimal + "pip:\n" + test.pip + "\n", files: files}.fails(t)
			require.Contains(t, log, test.want)
			require.Contains(t, marked(err), test.line)
		})
	}
}

// zipBackend is a build backend (PEP 517) that cannot do without the program zip.
const zipBackend = `
import os, subprocess
NAME = 'needs_zip-1.0-py3-none-any.whl'
INFO = 'needs_zip-1.0.dist-info'
FILES = {
    'needs_zip.py': 'answer = 42\n',
    INFO + '/METADATA': 'Metadata-Version: 2.1\nName: needs-zip\nVersion: 1.0\n',
    INFO + '/WHEEL': 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    INFO + '/RECORD': '',
}
def build_wheel(directory, config_settings=None, metadata_directory=None):
    os.mkdir(INFO)
    for name, content in FILES.items():
        with open(name, 'w') as file:
            file.write(content)
    subprocess.run(['zip', '-q', os.path.join(directory, NAME), *FILES], check=True)
    return NAME
`

func TestIntegrationPipBuildsWithBuildPackages(t *testing.T) {
	name, content := sdist(t, "needs-zip", "1.0", map[string]string{
		"pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
		"backend.py":     zipBackend,
	})
	files := map[string]string{"dist/" + name: content}
	spec := minimal + "pip:\n  packages: [needs-zip]\n  find-links: [dist]\n"

	log, _ := build{spec: spec, files: files}.fails(t)
	require.Contains(t, log, "No such file or directory: 'zip'")

	img := build{spec: spec + "apk:\n  build: [zip]\n", files: files}.must(t).Image
	require.Equal(t, "42", python(t, img, "import needs_zip; print(needs_zip.answer)"))
	requireNoPackage(t, img, "zip")
}

// requireNoPackage checks that nothing of an apk package is in the image.
func requireNoPackage(t *testing.T, img *testenv.Image, name string) {
	t.Helper()
	require.NotContains(t, filesOf(t, img), "/usr/bin/"+name)
	installed, err := img.ReadFile(context.Background(), "/lib/apk/db/installed")
	require.NoError(t, err)
	require.NotContains(t, string(installed), "\nP:"+name+"\n")
	world, err := img.ReadFile(context.Background(), "/etc/apk/world")
	require.NoError(t, err)
	require.NotContains(t, strings.Fields(string(world)), name)
}
