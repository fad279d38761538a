package frontend_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// pushBase pushes a base image to build from, which for the other platform has instructions
// more than the fixtures', and returns its name.
func pushBase(t *testing.T, foreign testenv.Foreign, name, instructions string, platforms ...string) string {
	t.Helper()
	env := shared.Env(t)
	name += ":3.13-alpine3.20"
	arch := func(platform string) string { return strings.TrimPrefix(platform, "linux/") }
	res, err := env.Build(t.Context(), testenv.BuildRequest{
		DockerfileInline: "FROM python:3.13-alpine3.20 AS for-" + arch(foreign.Native) + "\n" +
			"FROM python:3.13-alpine3.20 AS for-" + arch(foreign.Platform) + "\n" + instructions + "\n" +
			"FROM for-$TARGETARCH\n",
		Dir:       contextDir(t, map[string]string{"changed.py": "print('of another version')\n"}),
		Platforms: platforms,
		Push:      env.Registry.Ref(name),
	})
	require.NoError(t, err, res.Log())
	return name
}

const changedLibrary = "COPY changed.py /usr/local/lib/python3.13/this.py"

// What the base image has for one platform need not fit what it has for the daemon's.
func TestIntegrationBaseImagesThatDoNotFit(t *testing.T) {
	foreign := shared.Env(t).RequireForeign(t)
	both := []string{foreign.Native, foreign.Platform}
	for name, test := range map[string]struct {
		instructions string
		platforms    []string
		line         int
		words        string
	}{
		"library": {
			changedLibrary, both, 4,
			"not one standard library: /usr/local/lib/python3.13/this.py differs",
		},
		"Python": {
			"ENV PYTHON_VERSION=3.12.9", both, 2,
			"has Python 3.12.9 for " + foreign.Platform + " and 3.13.5 for " + foreign.Native + ": expected one X.Y for all platforms",
		},
		"one platform": {
			"", []string{foreign.Platform}, 2,
			"on which a build runs",
		},
	} {
		t.Run(name, func(t *testing.T) {
			base := pushBase(t, foreign, "me/misfit-"+strings.ReplaceAll(strings.ToLower(name), " ", "-"), test.instructions, test.platforms...)
			spec := []string{"#syntax=autumnjolitz/distroless-frontend", "base: " + base, "stdlib:", "  include: [lib2to3]", ""}
			if test.line == 2 {
				spec = spec[:2]
			}
			log, err := build{spec: strings.Join(spec, "\n"), BuildRequest: testenv.BuildRequest{Platforms: []string{foreign.Platform}}}.fails(t)
			require.Contains(t, log+err.Error(), test.words)
			require.Contains(t, testenv.SourceExcerpt(err), ">>> "+spec[test.line-1])
		})
	}
}

// A tag is published one platform at a time, so its platforms may differ in the last number of
// the version: each gets the library of its own.
func TestIntegrationVersionsOfPlatformsMayDiffer(t *testing.T) {
	foreign := shared.Env(t).RequireForeign(t)
	base := pushBase(t, foreign, "me/older", "ENV PYTHON_VERSION=3.13.4\n"+changedLibrary, foreign.Native, foreign.Platform)
	img := build{spec: "base: " + base + "\n", BuildRequest: testenv.BuildRequest{Platforms: []string{foreign.Platform}}}.must(t).Image
	require.Equal(t, "3.13.4", img.Config.Config.Labels["org.python.version"])
	require.Equal(t, "of another version\n", runForeign(t, foreign, img, testenv.RunOptions{Args: []string{"-c", "import this"}}))
}
