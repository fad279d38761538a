package frontend_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// wheelOfFixtures is an inline table of a lock for a wheel that the fixtures serve.
func wheelOfFixtures(t *testing.T, name string) string {
	t.Helper()
	fixtures := shared.Env(t).Fixtures
	data, err := os.ReadFile(filepath.Join(fixtures.Dir, "wheels", name))
	require.NoError(t, err)
	return fmt.Sprintf("{url = %q, hashes = {sha256 = \"%x\"}}", strings.TrimSuffix(fixtures.Wheels(), "/")+"/"+name, sha256.Sum256(data))
}

// fileOfLock is an inline table of a lock for a file beside it.
func fileOfLock(name, content string) string {
	return fmt.Sprintf("{path = %q, hashes = {sha256 = \"%x\"}}", "./"+name, sha256.Sum256([]byte(content)))
}

const lockHead = "lock-version = '1.0'\nrequires-python = '>=3.10'\nextras = ['web']\ncreated-by = 'test'\n"

// Of a lock just what it names is installed, from where it says, with the hashes that it has.
func TestIntegrationLock(t *testing.T) {
	local, localContent := wheel(t, "local", "1.0", map[string]string{"local.py": "answer = 1\n"})
	source, sourceContent := taggedSdist(t, "pure", "py3-none-any")
	b := build{
		// There is no index, and nothing is to be found but by the lock.
		spec: minimal + "pip: {requirements: [deps/pylock.toml], project: ., extras: [web]}\n",
		files: map[string]string{
			".dockerignore":       "Dockerfile\n",
			"deps/dist/" + local:  localContent,
			"deps/dist/" + source: sourceContent,
			"app.py":              "import six, local, pure\n\ndef main():\n    print(six.__version__, local.answer, pure.answer)\n",
			"backend.py":          fileBackend,
			"pyproject.toml":      "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n[project]\nname = 'app'\nversion = '1.0'\ndependencies = ['locked-instead']\n",
			"deps/pylock.toml": lockHead +
				"[[packages]]\nname = 'six'\nversion = '1.17.0'\nwheels = [" + wheelOfFixtures(t, "six-1.17.0-py3-none-any.whl") + "]\n" +
				"[[packages]]\nname = 'colorama'\nversion = '0.4.6'\nmarker = \"sys_platform == 'win32'\"\nwheels = []\n" +
				"[[packages]]\nname = 'local'\nversion = '1.0'\nwheels = [" + fileOfLock("dist/"+local, localContent) + "]\n" +
				"[[packages]]\nname = 'pure'\nversion = '1.0'\nsdist = " + fileOfLock("dist/"+source, sourceContent) + "\n" +
				// It requires what the lock has not got.
				"[[packages]]\nname = 'requests'\nmarker = \"'web' in extras\"\nwheels = [" + wheelOfFixtures(t, "requests-2.32.3-py3-none-any.whl") + "]\n",
		},
		BuildRequest: online(),
	}
	b.BuildArgs["PIP_NO_INDEX"] = "1"
	img := b.must(t).Image
	require.Equal(t, []string{"app==1.0", "local==1.0", "pure==1.0", "requests==2.32.3", "six==1.17.0"}, versions(t, img))
	require.Equal(t, "1.17.0 1 42\n", run(t, img, testenv.RunOptions{Entrypoint: []string{"app"}}))
}

// The wheel is chosen by the tags of the platform.
func TestIntegrationLockOfAnExtension(t *testing.T) {
	testenv.RequireAlpine(t)
	name := "markupsafe-2.1.5-cp313-cp313-musllinux_1_2_x86_64.whl"
	b := build{spec: minimal + "pip: {requirements: [pylock.toml]}\n", files: map[string]string{
		"pylock.toml": lockHead + "[[packages]]\nname = 'markupsafe'\nversion = '2.1.5'\nwheels = [\n" +
			wheelOfFixtures(t, "MarkupSafe-2.1.5-py3-none-any.whl") + ",\n" + wheelOfFixtures(t, name) + "]\n",
	}}
	require.Contains(t, strings.Join(filesOf(t, b.must(t).Image).Paths(), "\n"), sitePackages+"/markupsafe/_speedups.")
}

// Of an archive that has several projects in it, those are installed that the lock names.
func TestIntegrationLockOfPartsOfAnArchive(t *testing.T) {
	files := map[string]string{}
	for _, name := range []string{"one", "two"} {
		files["packages/"+name+"/pyproject.toml"] = "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
		files["packages/"+name+"/backend.py"] = fmt.Sprintf(taggedBackend, name, "py3-none-any")
	}
	archive, content := sdist(t, "mono", "1.0", files)
	index := newIndex(t)
	index.add(archive, content)
	url := strings.TrimSuffix(index.start(t, false), "/simple") + "/wheels/" + archive
	part := func(name, place string) string {
		return fmt.Sprintf("[[packages]]\nname = '%[1]s'\narchive = {%[2]s, subdirectory = 'packages/%[1]s', hashes = {sha256 = '%[3]x'}}\n", name, place, sha256.Sum256([]byte(content)))
	}
	img := build{
		spec: minimal + "pip: {requirements: [deps/pylock.toml]}\n",
		files: map[string]string{
			"deps/dist/" + archive: content,
			"deps/pylock.toml":     lockHead + part("one", "path = './dist/"+archive+"'") + part("two", "url = '"+url+"'"),
		},
	}.must(t).Image
	require.Equal(t, []string{"one==1.0", "two==1.0"}, versions(t, img))
}

func TestIntegrationLockFailures(t *testing.T) {
	six := wheelOfFixtures(t, "six-1.17.0-py3-none-any.whl")
	for name, test := range map[string]struct {
		packages, want, line string
	}{
		"another hash": {
			"[[packages]]\nname = 'six'\nwheels = [\n" + rehashed(six) + "]\n",
			"pylock.toml:8: the hash of six", "pip: {requirements: [pylock.toml]}",
		},
		"no wheel": {
			"[[packages]]\nname = 'gear'\nwheels = [\n{url = 'https://x/gear-1.0-cp39-cp39-manylinux_2_17_x86_64.whl', hashes = {sha256 = '00'}}]\n",
			"pylock.toml:5: gear has not got a wheel for tag cp313-musllinux_1_2_", "[[packages]]",
		},
		"no TOML": {"[[packages]\n", "pylock.toml:5: ", "[[packages]"},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"pylock.toml": lockHead + test.packages}
			log, err := build{spec: minimal + "pip: {requirements: [pylock.toml]}\n", files: files}.fails(t)
			require.Contains(t, log+err.Error(), test.want)
			require.Equal(t, test.line, marked(err))
		})
	}
}

// rehashed gives an artifact a hash of something else.
func rehashed(artifact string) string {
	before, _, _ := strings.Cut(artifact, `sha256 = "`)
	return fmt.Sprintf("%ssha256 = \"%x\"}}", before, sha256.Sum256(nil))
}

// Files of tools that pip does not know are told apart by their names.
func TestIntegrationFilesOfOtherTools(t *testing.T) {
	for file, want := range map[string]string{
		"uv.lock":     "uv.lock is not a requirements file: write one with `uv export --no-dev --no-emit-project -o requirements.txt`, or a lock with `uv export --no-dev --no-emit-project -o pylock.toml`",
		"poetry.lock": "poetry.lock is not a requirements file: write one with `poetry export -o requirements.txt`",
		"pylock.toml": "pylock.toml is not in the build context, or .dockerignore lists it",
	} {
		line := "pip: {requirements: [" + file + "]}"
		_, err := build{spec: minimal + line + "\n", files: map[string]string{"uv.lock": "version = 1\n", "poetry.lock": ""}}.fails(t)
		require.ErrorContains(t, err, want)
		require.Equal(t, line, marked(err))
	}
}
