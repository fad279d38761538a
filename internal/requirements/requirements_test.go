package requirements

import (
	"io/fs"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// read follows files from requirements.txt, with c.txt as a constraints file if it is there.
func read(files map[string]string) (Found, error) {
	pip := spec.Pip{Requirements: []string{"requirements.txt"}}
	if _, ok := files["c.txt"]; ok {
		pip.Constraints = []string{"c.txt"}
	}
	reader := func(path string) ([]byte, error) {
		if text, ok := files[path]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
	return Read(pip, reader, func(key string) []parser.Range {
		return []parser.Range{{Start: parser.Position{Line: len(key)}}}
	})
}

func TestFollowsFiles(t *testing.T) {
	found, err := read(map[string]string{
		"requirements.txt": "\ufeff# all\r\n-r deps/base.txt\r\nsix # -r no.txt\n" +
			"-c=deps/c.txt\n--requirement 'two.txt'\n--find-links deps/more -i https://index.example/simple\n" +
			"flask==1.0 \\\n  --hash=sha256:00 \\\n  # not this line\n",
		"c.txt":         "six<2\n",
		"two.txt":       "-rdeps/base.txt\n-\\\nr three.txt\n",
		"three.txt":     "",
		"deps/base.txt": "./wheels/a-1.0-py3-none-any.whl[x]; python_version > '3'\n-r nested/../last.txt\n-f https://links.example/\n",
		"deps/last.txt": "b @ git+ssh://git@host.example/b\nhttps://files.example/c.zip\n",
		"deps/c.txt":    "-f wheels\n-c ../c.txt\n",
	})
	require.NoError(t, err)
	require.Equal(t, []string{
		"deps/base.txt", "deps/c.txt", "deps/last.txt", "deps/more", "deps/wheels", "three.txt", "two.txt", "wheels/a-1.0-py3-none-any.whl",
	}, found.Paths)
}

// A hash in one requirements file has pip ask for one of all. In constraints it states nothing
// that is installed.
func TestHashedFiles(t *testing.T) {
	const hashed = "flask==1.0 ; python_version > '3' \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n"
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"the file itself":           {map[string]string{"requirements.txt": "# all\n" + hashed}, "requirements.txt"},
		"one that it names":         {map[string]string{"requirements.txt": "-r a.txt\n", "a.txt": "--requirement b.txt\n", "b.txt": hashed}, "b.txt"},
		"behind a constraints file": {map[string]string{"requirements.txt": "-c a.txt\n", "a.txt": "-r b.txt\n", "b.txt": hashed}, "b.txt"},
		"for both uses":             {map[string]string{"requirements.txt": "-c a.txt\n-r b.txt\n", "b.txt": "-r a.txt\n", "a.txt": hashed}, "a.txt"},
		"constraints":               {map[string]string{"requirements.txt": "-c a.txt\n", "a.txt": hashed, "c.txt": hashed}, ""},
		"with a space":              {map[string]string{"requirements.txt": "six==1 --hash sha256:00\n"}, "requirements.txt"},
		"none":                      {map[string]string{"requirements.txt": "six # --hash=sha256:00\nb @ https://files.example/b.whl#sha256=00\n"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := read(test.files)
			require.NoError(t, err)
			require.Equal(t, test.want, found.Hashed)
		})
	}
}

func TestErrorsHaveTheirLine(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"missing": {
			map[string]string{"requirements.txt": "six\n\n-r absent.txt\n"},
			"requirements.txt:3: absent.txt is not in the build context, or .dockerignore lists it",
		},
		"missing further down": {
			map[string]string{"requirements.txt": "-r deps/a.txt\n", "deps/a.txt": "# here\n-c c.txt\n"},
			"deps/a.txt:2: deps/c.txt is not in the build context, or .dockerignore lists it",
		},
		"circle": {
			map[string]string{"requirements.txt": "-r a.txt\n", "a.txt": "six\n-r b.txt\n", "b.txt": "-c a.txt\n"},
			"b.txt:1: the files name each other in a circle: a.txt → b.txt → a.txt; remove one of these lines",
		},
		"outside": {
			map[string]string{"requirements.txt": "-r deps/../../secret.txt\n"},
			"requirements.txt:1: deps/../../secret.txt leaves the build context: copy the file into it",
		},
		"absolute": {
			map[string]string{"requirements.txt": "/etc/a.whl\n"},
			"requirements.txt:1: /etc/a.whl leaves the build context: copy the file into it",
		},
		"file URL": {
			map[string]string{"requirements.txt": "a @ file:///etc/a.whl\n"},
			"requirements.txt:1: a file URL leads out of the build context: write the path of the file as it is in the context, such as ./wheels/name-1.0-py3-none-any.whl",
		},
		"editable": {
			map[string]string{"requirements.txt": "six \\\n # x\n--editable=./mine\n"},
			"requirements.txt:3: an editable requirement leads to a folder that an image has not got: name a version, or build a wheel of the folder and name that",
		},
		"folder": {
			map[string]string{"requirements.txt": "./mine[extra]\n"},
			"requirements.txt:1: ./mine is a folder: build a wheel of it, and name that, or its folder under pip.find-links",
		},
		"a lock": {
			map[string]string{"requirements.txt": "six\n-r deps/pylock.toml\n"},
			"requirements.txt:2: deps/pylock.toml is not a requirements file: name it in the spec, under pip.requirements",
		},
		"a file of another tool": {
			map[string]string{"requirements.txt": "-c uv.lock\n"},
			"requirements.txt:1: uv.lock is not a requirements file: write one with `uv export --no-dev --no-emit-project -o requirements.txt`, " +
				"or a lock with `uv export --no-dev --no-emit-project -o pylock.toml`",
		},
		"-r by URL": {
			map[string]string{"requirements.txt": "-r file:///etc/requirements.txt\n"},
			"requirements.txt:1: a file URL leads out of the build context: write the path of the file as it is in the context",
		},
		"links by URL": {
			map[string]string{"requirements.txt": "-fFile:wheels\n"},
			"requirements.txt:1: a file URL leads out of the build context: write the path of the file as it is in the context",
		},
		"two options": {
			map[string]string{"requirements.txt": "-i https://index.example/simple -f wheels\n"},
			"requirements.txt:1: an option that names a file follows another in this line: write a line for each",
		},
		"no name": {
			map[string]string{"requirements.txt": "-r\n"},
			"requirements.txt:1: the name of a file is missing",
		},
		"settings of a build": {
			map[string]string{"requirements.txt": "six\ngear==1.0 \\\n  --config-settings=\"--build-option=x\" --hash=sha256:00\n"},
			"requirements.txt:2: --config-settings is for a build, which does not see the requirements files: build a wheel with it, and name that",
		},
		"settings of a build, in short": {
			map[string]string{"requirements.txt": "gear @ https://files.example/-C/gear.zip -Ckey=value\n"},
			"requirements.txt:1: -C is for a build, which does not see the requirements files: build a wheel with it, and name that",
		},
		"options of setup.py": {
			map[string]string{"requirements.txt": "-c c.txt\n", "c.txt": "gear --global-option quiet\n"},
			"c.txt:1: --global-option is for a build, which does not see the requirements files: build a wheel with it, and name that",
		},
		"credentials": {
			map[string]string{"requirements.txt": "--index-url https://bot:secret@index.example/simple\n"},
			"requirements.txt:1: " + spec.CredentialsHelp,
		},
		"credentials in a requirement": {
			map[string]string{"requirements.txt": "a @ git+https://token@host.example/a\n"},
			"requirements.txt:1: " + spec.CredentialsHelp,
		},
		"credentials in the second URL": {
			map[string]string{"requirements.txt": "-i https://pypi.example/simple --extra-index-url https://bot:secret@index.example/simple\n"},
			"requirements.txt:1: " + spec.CredentialsHelp,
		},
		"credentials beside a user of ssh": {
			map[string]string{"requirements.txt": "a @ git+ssh://git@host.example/a --index-url=https://token@index.example\n"},
			"requirements.txt:1: " + spec.CredentialsHelp,
		},
		"a password of ssh": {
			map[string]string{"requirements.txt": "six\na @ git+ssh://git:secret@host.example/a\n"},
			"requirements.txt:2: " + spec.CredentialsHelp,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(test.files)
			require.EqualError(t, err, test.want)
			var located *Error
			require.ErrorAs(t, err, &located)
			require.Equal(t, test.files[located.File], string(located.Data))
		})
	}
}

func TestErrorsOfTheSpecHaveItsLocation(t *testing.T) {
	_, err := read(nil)
	require.EqualError(t, err, "requirements.txt is not in the build context, or .dockerignore lists it")
	var located *parser.LocationError
	require.ErrorAs(t, err, &located)
	require.Equal(t, len("pip.requirements[0]"), located.Locations[0][0].Start.Line)

	for _, name := range []string{"pyproject.toml", "pylock.toml"} {
		_, err = Read(spec.Pip{Constraints: []string{name}}, nil, func(key string) []parser.Range {
			return []parser.Range{{Start: parser.Position{Line: len(key)}}}
		})
		require.EqualError(t, err, name+" is not a requirements file: name it in the spec, under pip.requirements")
		require.ErrorAs(t, err, &located)
		require.Equal(t, len("pip.constraints[0]"), located.Locations[0][0].Start.Line)
	}

	_, err = Read(spec.Pip{Requirements: []string{"app/uv.lock"}}, nil, func(string) []parser.Range { return nil })
	require.ErrorContains(t, err, "app/uv.lock is not a requirements file: write one with `uv export --no-dev --no-emit-project -o requirements.txt`")
}
