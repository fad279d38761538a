package frontend_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Requirements files name others, which come along without being named in the spec.
func TestIntegrationPipFollowsRequirementsFiles(t *testing.T) {
	local, localContent := wheel(t, "local", "1.0", nil)
	extra, extraContent := wheel(t, "extra", "1.0", nil)
	b := build{
		spec: minimal + "pip: {requirements: [requirements.txt]}\n",
		files: map[string]string{
			"requirements.txt":     "-r deps/base.txt\n-c deps/constraints.txt\n./wheels/" + local + "\n",
			"deps/base.txt":        "six>=1 \\\n  # of any kind\n--requirement=more.txt\n",
			"deps/more.txt":        "extra\n-f links\n",
			"deps/constraints.txt": "six==1.17.0\n",
			"wheels/" + local:      localContent,
			"deps/links/" + extra:  extraContent,
			"app.py":               "",
		},
	}
	require.Equal(t, []string{"extra==1.0", "local==1.0", "six==1.17.0"}, versions(t, b.must(t).Image))

	b.files = maps.Clone(b.files)
	b.files["app.py"] = "changed = True\n"
	require.NotContains(t, strings.Join(ran(b.must(t)), "\n"), "[pip]")

	b.files["deps/more.txt"] += "idna\n"
	require.Equal(t, []string{"extra==1.0", "idna==3.10", "local==1.0", "six==1.17.0"}, versions(t, b.must(t).Image))
}

func TestIntegrationPipRequirementsErrors(t *testing.T) {
	for name, test := range map[string]struct {
		files       map[string]string
		want, lines string
	}{
		"missing": {
			map[string]string{"requirements.txt": "six\n-r deps/absent.txt\n"},
			"requirements.txt:2: deps/absent.txt is not in the build context, or .dockerignore lists it", "-r deps/absent.txt",
		},
		"ignored": {
			map[string]string{"requirements.txt": "-c deps/c.txt\n", "deps/c.txt": "", ".dockerignore": "deps\n"},
			"requirements.txt:1: deps/c.txt is not in the build context, or .dockerignore lists it", "-c deps/c.txt",
		},
		"circle": {
			map[string]string{"requirements.txt": "-r deps/a.txt\n", "deps/a.txt": "six\n-r ../requirements.txt\n"},
			"deps/a.txt:2: the files name each other in a circle: requirements.txt → deps/a.txt → requirements.txt", "-r ../requirements.txt",
		},
		"outside of the context": {
			map[string]string{"requirements.txt": "-r ../requirements.txt\n"},
			"requirements.txt:1: ../requirements.txt leaves the build context", "-r ../requirements.txt",
		},
		"editable": {
			map[string]string{"requirements.txt": "six\n-e .\n"},
			"requirements.txt:2: an editable requirement leads to a folder that an image has not got", "-e .",
		},
		"of the spec": {
			nil, "requirements.txt is not in the build context, or .dockerignore lists it", "pip: {requirements: [requirements.txt]}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := build{spec: minimal + "pip: {requirements: [requirements.txt]}\n", files: test.files}.fails(t)
			require.ErrorContains(t, err, test.want)
			require.Equal(t, test.lines, marked(err))
		})
	}
}

func TestIntegrationPipHashes(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(shared.Env(t).Fixtures.Dir, "wheels", "six-1.17.0-py3-none-any.whl"))
	require.NoError(t, err)
	six := fmt.Sprintf("six==1.17.0 --hash=sha256:%x\n", sha256.Sum256(data))
	b := build{spec: minimal + "pip: {requirements: [requirements.txt], require-hashes: true}\n"}

	b.files = map[string]string{"requirements.txt": six}
	require.Equal(t, []string{"six==1.17.0"}, versions(t, b.must(t).Image))

	for name, test := range map[string]struct{ requirements, want string }{
		"another hash": {
			fmt.Sprintf("# one\nsix==1.17.0 --hash=sha256:%x\n", sha256.Sum256(nil)),
			"requirements.txt:2: the hash of six==1.17.0 is not the one required",
		},
		"no hash": {six + "idna==3.10\n", "in hash-checking mode every requirement needs a version (==) and a --hash"},
	} {
		t.Run(name, func(t *testing.T) {
			b.files = map[string]string{"requirements.txt": test.requirements}
			log, err := b.fails(t)
			require.Contains(t, log, "\n"+test.want)
			require.Contains(t, marked(err), "require-hashes: true")
		})
	}
}

func TestIntegrationPipWheelsOrSources(t *testing.T) {
	source, sourceContent := taggedSdist(t, "pure", "py3-none-any")
	wheel, wheelContent := wheel(t, "pure", "1.0", map[string]string{"pure.py": "answer = 1\n"})
	b := build{files: map[string]string{"dist/" + source: sourceContent, "dist/" + wheel: wheelContent}}
	const pip = minimal + "pip: {packages: [pure], find-links: [dist], "
	answer := func(spec string) string {
		b.spec = spec
		return python(t, b.must(t).Image, "import pure; print(pure.answer)")
	}
	require.Equal(t, "1", answer(pip+"only-binary: [':all:']}\n"))
	require.Equal(t, "42", answer(pip+"no-binary: [pure]}\n"))

	delete(b.files, "dist/"+wheel)
	b.spec = pip + "only-binary: [pure]}\n"
	log, err := b.fails(t)
	require.Contains(t, log, "\nnothing was found for pure: neither a wheel for cp313-")
	require.Contains(t, marked(err), "only-binary")
}
