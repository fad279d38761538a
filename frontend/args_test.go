package frontend_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// argsSpec has an argument in a value of every kind that takes one.
const argsSpec = `#syntax=autumnjolitz/distroless-frontend
python: ${PYTHON}
alpine: "${ALPINE:-3.20}"
args:
  PYTHON: 3.13
  ALPINE:
  PACKAGE: zip
  GREETING: hello
  FOLDER: /app
  APP_USER: nonroot
  TARGETPLATFORM:
packages: ["$PACKAGE", hello-apk]
pip: {packages: ["six==${SIX_VERSION:-1.17.0}"]}
files: [{from: "${GREETING}.txt", to: "$FOLDER/"}]
user: $APP_USER
workdir: $FOLDER
env: {GREETING: "${GREETING}, \\$USER", PLATFORM: $TARGETPLATFORM}
labels: {package: $PACKAGE}
entrypoint: [/usr/bin/dash, -c, 'read -r line <"$(echo *.txt)"; echo "$line"; echo "$GREETING on $PLATFORM $0"', $PACKAGE]
`

func TestIntegrationArgs(t *testing.T) {
	b := build{
		spec:  strings.Replace(argsSpec, "  PYTHON:", "  SIX_VERSION:\n  PYTHON:", 1),
		files: map[string]string{"hello.txt": "a file\n", "bye.txt": "another\n"},
	}
	img := b.must(t).Image
	require.Equal(t, "a file\nhello, $USER on linux/amd64 $PACKAGE\n", run(t, img, testenv.RunOptions{}))
	require.Equal(t, "zip", img.Config.Config.Labels["package"])
	require.Contains(t, filesOf(t, img), "/usr/bin/zip")

	b.BuildArgs = map[string]string{"GREETING": "bye", "PACKAGE": "run-parts", "FOLDER": "/srv", "APP_USER": "1234"}
	res := b.must(t)
	require.Equal(t, "another\nbye, $USER on linux/amd64 $PACKAGE\n", run(t, res.Image, testenv.RunOptions{}))
	require.Equal(t, "1234", res.Image.Config.Config.User)
	files := filesOf(t, res.Image)
	require.NotContains(t, files, "/usr/bin/zip")
	require.Empty(t, res.Warnings)
	require.True(t, res.Vertex("[pip] install six==1.17.0").Cached, "an argument runs the steps that it changes")
}

// What was taken literally stays so where no arguments are declared.
func TestIntegrationNoArgs(t *testing.T) {
	b := build{
		spec:         minimal + "env: {A: $GREETING, B: \"${GREETING\"}\n",
		BuildRequest: testenv.BuildRequest{BuildArgs: map[string]string{"GREETING": "hello"}},
	}
	res := b.must(t)
	require.Contains(t, res.Image.Config.Config.Env, "A=$GREETING")
	require.Contains(t, res.Image.Config.Config.Env, "B=${GREETING")
	require.Len(t, res.Warnings, 1)
	require.Contains(t, string(res.Warnings[0].Short), "One or more build-args [GREETING] were not consumed")
}

// An error is that of the value, at the line which takes it.
func TestIntegrationArgsErrors(t *testing.T) {
	for name, test := range map[string]struct {
		keys, want, line string
		args             map[string]string
	}{
		"invalid value": {
			"args: {PACKAGE: zip}\npackages:\n  - $PACKAGE\n", `packages[0]: "a b" is not a package`, "  - $PACKAGE",
			map[string]string{"PACKAGE": "a b"},
		},
		"undefined": {
			"args: {PACKAGE: zip}\npackages: [$PACKAG]\n", "packages[0]: undefined variable $PACKAG, did you mean $PACKAGE?", "packages: [$PACKAG]", nil,
		},
		"required": {
			"args:\n  VERSION:\nlabels: {version: \"${VERSION:?give --build-arg VERSION}\"}\n", "VERSION: give --build-arg VERSION",
			`labels: {version: "${VERSION:?give --build-arg VERSION}"}`, nil,
		},
		"no such package": {
			"args: {PACKAGE: zip}\npackages: [$PACKAGE]\n", "no-such-package", "packages: [$PACKAGE]",
			map[string]string{"PACKAGE": "no-such-package"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := build{spec: minimal + test.keys, BuildRequest: testenv.BuildRequest{BuildArgs: test.args}}.fails(t)
			require.Contains(t, log+err.Error(), test.want)
			require.Equal(t, test.line, marked(err))
		})
	}
}
