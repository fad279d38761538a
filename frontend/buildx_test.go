package frontend_test

import (
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// The tests of this and the other buildx_*_test.go files run the client that users have, with
// the packaged frontend that the first lines of the files name. docs/options.rst has a table
// of which test shows what.

const (
	// syntax is the first line of both kinds of file.
	syntax = "#syntax=autumnjolitz/distroless-frontend\n"
	// onFinal is the Dockerfile on the image that minimal stands for.
	onFinal = syntax + "FROM autumnjolitz/distroless-python:3.13-alpine3.20\n"
)

// A buildx is the client of someone who builds behind the test's mirror.
type buildx struct {
	t      *testing.T
	env    *testenv.Env
	client *testenv.Buildx
}

// newBuildx returns a client for a daemon of the test's environment.
func newBuildx(t *testing.T, daemon func(*testenv.Env) *testenv.Daemon) *buildx {
	t.Helper()
	env := shared.Env(t)
	if !hasFrontend(t, env) {
		pushFrontend(t, env)
	}
	client, err := daemon(env).Buildx(t.Context())
	require.NoError(t, err)
	return &buildx{t: t, env: env, client: client}
}

func sharedDaemon(env *testenv.Env) *testenv.Daemon { return env.Daemon }

// hasFrontend tells whether another test has pushed the frontend.
func hasFrontend(t *testing.T, env *testenv.Env) bool {
	t.Helper()
	resp, err := http.Head("http://" + env.Registry.Host() + "/v2/autumnjolitz/distroless-frontend/manifests/latest")
	require.NoError(t, err)
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// A line is a command line of `buildx build`, next to what leads it to the mirror.
type line struct {
	dir      string // where it runs, and the context unless another is named in args
	args     []string
	stdin    string
	env      []string
	noLayout bool
}

// mirror are the options of someone who builds behind the mirror. Those that a test gives
// come later and win.
func (x *buildx) mirror() []string {
	req := build{spec: minimal}.on(x.t, x.env)
	var args []string
	for _, name := range slices.Sorted(maps.Keys(req.BuildArgs)) {
		args = append(args, "--build-arg", name+"="+req.BuildArgs[name])
	}
	return append(args, "--build-context", "apk-keys="+filepath.Dir(x.env.Fixtures.APKKey()))
}

// try runs buildx build.
func (x *buildx) try(l line) (*testenv.BuildxResult, error) {
	x.t.Helper()
	var stdin io.Reader
	if l.stdin != "" {
		stdin = strings.NewReader(l.stdin)
	}
	return x.client.Run(x.t.Context(), testenv.BuildxCommand{
		Name: "build", Args: append(x.mirror(), l.args...), Dir: l.dir, Stdin: stdin, Env: l.env, NoLayout: l.noLayout,
	})
}

// must runs buildx build, which must succeed.
func (x *buildx) must(l line) *testenv.BuildxResult {
	x.t.Helper()
	res, err := x.try(l)
	require.NoError(x.t, err, "%s", res.Log())
	return res
}

// fails runs buildx build, which must fail, and returns all it printed.
func (x *buildx) fails(l line) string {
	x.t.Helper()
	res, err := x.try(l)
	require.Error(x.t, err)
	return res.Log() + res.Stderr
}

// on returns the client for a subtest.
func (x *buildx) on(t *testing.T) *buildx {
	return &buildx{t: t, env: x.env, client: x.client}
}

// eachKind runs a test for a spec and for a Dockerfile that ask for the same. Both are
// written without their first lines.
func (x *buildx) eachKind(spec, dockerfile string, test func(x *buildx, text string)) {
	x.t.Helper()
	for name, text := range map[string]string{"spec": minimal + spec, "Dockerfile": onFinal + dockerfile} {
		x.t.Run(name, func(t *testing.T) { test(x.on(t), text) })
	}
}

// warnings returns what the build warned of.
func warnings(res *testenv.BuildxResult) []string {
	var texts []string
	for _, w := range res.Warnings {
		texts = append(texts, string(w.Short))
	}
	return texts
}

// fileOf returns the content of a file of the image.
func fileOf(t *testing.T, img *testenv.Image, path string) string {
	t.Helper()
	data, err := img.ReadFile(t.Context(), path)
	require.NoError(t, err)
	return string(data)
}
