package frontend_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
	"github.com/autumnjolitz/distroless-frontend/spec"
)

// markedLine is a line of an excerpt that the error is about.
var markedLine = regexp.MustCompile(`(?m)^ *\d+ \| >>> (.*)$`)

// marked returns the lines of the build file that the error points at.
func marked(err error) string {
	var lines []string
	for _, match := range markedLine.FindAllStringSubmatch(testenv.SourceExcerpt(err), -1) {
		lines = append(lines, match[1])
	}
	return strings.Join(lines, "\n")
}

// requireOneError checks that the error names its place once, and shows just these lines.
func requireOneError(t *testing.T, err error, want, lines string) {
	t.Helper()
	require.ErrorContains(t, err, want)
	require.Equal(t, 1, strings.Count(err.Error(), want), err.Error())
	require.Equal(t, 1, strings.Count(err.Error(), "Dockerfile:"), err.Error())
	require.NotContains(t, err.Error(), "\n", "one line is enough to say it")
	require.Equal(t, lines, marked(err), testenv.SourceExcerpt(err))
}

func TestIntegrationSpecErrors(t *testing.T) {
	bomb := "x-a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n"
	for _, name := range []string{"b", "c", "d", "e", "f"} {
		previous := string(name[0] - 1)
		bomb += "x-" + name + ": &" + name + " [" + strings.Repeat("*"+previous+", ", 9) + "*" + previous + "]\n"
	}
	for name, test := range map[string]struct{ spec, want, lines string }{
		"unknown key": {
			minimal + "pakages: [zip]\n",
			`Dockerfile:4:1: unknown key "pakages", did you mean packages?`, "pakages: [zip]",
		},
		"unknown key of a section": {
			minimal + "pip:\n  index_url: https://mirror.example/simple\n",
			`Dockerfile:5:3: pip: unknown key "index_url", did you mean index-url?`, "  index_url: https://mirror.example/simple",
		},
		"wrong type": {
			minimal + "packages: zip\n",
			`Dockerfile:4:11: packages: expected a list such as [libpq], found the string "zip"`, "packages: zip",
		},
		"missing key": {
			"# comment\npython: '3.13'\n",
			`Dockerfile:2:9: python: alpine is missing`, "python: '3.13'",
		},
		"missing key of an entry": {
			minimal + "files:\n  - from: a\n",
			`Dockerfile:5:5: files[0]: to is missing`, "  - from: a",
		},
		"duplicate key": {
			minimal + "user: nonroot\nuser: root\n",
			`Dockerfile:5:1: duplicate key "user", already on line 4`, "user: root",
		},
		"two documents": {
			minimal + "---\nuser: nonroot\n",
			"Dockerfile:4:1: a second YAML document starts here", "---\nuser: nonroot",
		},
		"empty": {
			"\n",
			"Dockerfile:1:1: the spec is empty", "",
		},
		"comments only": {
			"# python\n",
			"Dockerfile:1:1: the spec is empty", "# python",
		},
		"not UTF-8": {
			minimal + "user: J\xf6rg\n",
			"Dockerfile:4:8: byte 0xf6 is not valid UTF-8", "user: J\xf6rg",
		},
		"invalid YAML": {
			minimal + "packages: [zip\nuser: nonroot\n",
			"Dockerfile:4:1: invalid YAML: did not find expected ',' or ']'", "packages: [zip",
		},
		"larger than 1 MiB": {
			minimal + "# " + strings.Repeat("a", spec.MaxSize),
			"Dockerfile:1:1: the spec has 1048649 bytes, more than the 1048576 that are allowed",
			"#syntax=autumnjolitz/distroless-frontend",
		},
		"anchor bomb": {
			minimal + bomb,
			"Dockerfile:8:46: with its aliases expanded the spec has more than 100000 values", "x-e: &e [" + strings.Repeat("*d, ", 9) + "*d]",
		},
		"neither spec nor Dockerfile": {
			"#syntax=autumnjolitz/distroless-frontend\nprint('hello')\n",
			`Dockerfile:2:1: expected a YAML mapping such as python: "3.13" and alpine: "3.20", or a Dockerfile, which begins with FROM or ARG, found the string "print('hello')"`,
			"print('hello')",
		},
		"version that lost its zero": {
			"python: 3.1\nalpine: '3.20'\n",
			`Dockerfile:1:9: python: there is no base image for version "3.1": expected X.Y or X.Y.Z such as 3.13 or 3.13.1, ` +
				`from 3.10 on; if 3.10 is meant, write it in quotes`, "python: 3.1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := build{spec: test.spec}.fails(t)
			requireOneError(t, err, test.want, test.lines)
		})
	}
}

// Some things can only be known once the base and the context are there.
func TestIntegrationErrorsOfTheBuildShowTheSpec(t *testing.T) {
	for name, test := range map[string]struct{ keys, want, line string }{
		"no such requirements file": {
			"pip:\n  requirements:\n    - absent.txt\n",
			"absent.txt", "    - absent.txt",
		},
		"no such constraints file": {
			"pip:\n  packages: [six]\n  constraints: [absent.txt]\n",
			"absent.txt", "  constraints: [absent.txt]",
		},
		"no such find-links folder": {
			"pip:\n  packages: [six]\n  find-links: [absent]\n",
			"absent", "  find-links: [absent]",
		},
		"no such key": {
			"apk:\n  keys: [absent.rsa.pub]\n",
			"absent.rsa.pub", "  keys: [absent.rsa.pub]",
		},
		"no such file": {
			"files:\n  - {from: app.py, to: /app/}\n  - {from: absent.py, to: /app/}\n",
			"absent.py", "  - {from: absent.py, to: /app/}",
		},
		"unknown owner": {
			"files:\n  - {from: app.py, to: /app/, chown: somebody}\n",
			`chown: "somebody" is not known: expected a number, root, nonroot or a name under users`,
			"  - {from: app.py, to: /app/, chown: somebody}",
		},
		"no such named context": {
			"files:\n  - {from: app.py, to: /app/, context: assets}\n",
			`no build context is named "assets": give one with --build-context assets=PATH`,
			"  - {from: app.py, to: /app/, context: assets}",
		},
		"no such part": {
			"stdlib:\n  include: [tkinte]\n",
			`"tkinte" is not a part that is left out`, "  include: [tkinte]",
		},
		"no such module": {
			"stdlib:\n  exclude: [sqlit3]\n",
			"stdlib.exclude: 'sqlit3' is not a module of the standard library", "  exclude: [sqlit3]",
		},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := build{spec: minimal + test.keys, files: map[string]string{"app.py": "pass\n"}}.fails(t)
			require.Contains(t, err.Error()+log, test.want)
			require.Equal(t, test.line, marked(err), testenv.SourceExcerpt(err))
		})
	}
}

// push builds an ordinary Dockerfile and has the daemon reach the image as ref.
func push(t *testing.T, ref, dockerfile string) {
	t.Helper()
	env := shared.Env(t)
	res, err := env.Build(t.Context(), testenv.BuildRequest{DockerfileInline: dockerfile, Push: env.Registry.Ref(ref)})
	require.NoError(t, err, res.Log())
}

func TestIntegrationBasesThatAreNone(t *testing.T) {
	push(t, "library/pythonless:1", "FROM scratch\nLABEL a=b\n")
	push(t, "library/debian-python:1", "FROM scratch\nENV PYTHON_VERSION=3.13.5\n")
	for name, test := range map[string]struct{ spec, want, line string }{
		"no such version": {
			"alpine: '3.20'\npython: '3.99'\n",
			"resolve the base image docker.io/library/python:3.99-alpine3.20: ", "python: '3.99'",
		},
		"no such image": {
			"base: library/absent:1\n",
			"resolve the base image library/absent:1: ", "base: library/absent:1",
		},
		"without Python": {
			"base: pythonless:1\n",
			"resolve the base image pythonless:1: its environment has no PYTHON_VERSION", "base: pythonless:1",
		},
		"without Alpine": {
			"base: debian-python:1\n",
			"the base has to be an Alpine image", "base: debian-python:1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := build{spec: test.spec}.fails(t)
			require.ErrorContains(t, err, test.want)
			require.Equal(t, test.line, marked(err))
		})
	}
}

func TestIntegrationUnknownTarget(t *testing.T) {
	_, err := build{spec: minimal, BuildRequest: testenv.BuildRequest{Target: "buildrot"}}.fails(t)
	require.ErrorContains(t, err, `there is no target "buildrot": expected one of final, buildroot, debug, test, trim-report`)
	require.ErrorContains(t, err, "did you mean buildroot?")
}

func TestIntegrationSourceDateEpochIsANumber(t *testing.T) {
	args := map[string]string{"SOURCE_DATE_EPOCH": "yesterday"}
	_, err := build{spec: minimal, BuildRequest: testenv.BuildRequest{BuildArgs: args}}.fails(t)
	require.ErrorContains(t, err, `build argument SOURCE_DATE_EPOCH is "yesterday": expected seconds since 1970, such as 0`)
}

// What may stand before the first key, and the version that YAML would take for a number.
func TestIntegrationBeginningsOfASpec(t *testing.T) {
	for name, prefix := range map[string]string{
		"syntax":       "#syntax=autumnjolitz/distroless-frontend\n",
		"syntax apart": "# syntax = autumnjolitz/distroless-frontend:latest\n",
		"hash bang":    "#!/usr/bin/env -S docker build -f\n# syntax=autumnjolitz/distroless-frontend\n",
		"blank lines":  "\n\n  \n# comment\n\n",
		"byte order":   "\ufeff#syntax=autumnjolitz/distroless-frontend\r\n",
		"marker":       "# comment\n---\n",
		"nothing":      "",
	} {
		t.Run(name, func(t *testing.T) {
			res := build{spec: prefix + "python: 3.13\nalpine: 3.20\nx-mine: {any: thing}\n"}.must(t)
			require.Contains(t, res.Image.Config.Config.Env, "ALPINE_VERSION=3.20")
		})
	}
}
