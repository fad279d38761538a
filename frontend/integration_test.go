package frontend_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/frontend"
	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

var shared testenv.Shared

func TestMain(m *testing.M) { os.Exit(shared.Main(m)) }

// minimal is a full spec.
const minimal = `#syntax=autumnjolitz/distroless-frontend
python: "3.13"
alpine: "3.20"
`

// imports loads a good part of the standard library, as a large application does.
const imports = "import asyncio, http.client, http.server, json, logging.config, email.message, urllib.request, ssl, " +
	"sqlite3, concurrent.futures, multiprocessing, unittest, argparse, xml.etree.ElementTree, decimal, datetime, typing, " +
	"dataclasses, inspect, ctypes, csv, zipfile, tarfile, tempfile"

// A build is a request for the frontend in this process, for someone who builds behind the
// mirror that the fixtures are: everything about it comes from outside of the spec.
type build struct {
	spec string
	// files are those of the context, next to the spec.
	files map[string]string
	testenv.BuildRequest
}

// on returns the request that a daemon takes.
func (b build) on(t *testing.T, env *testenv.Env) testenv.BuildRequest {
	t.Helper()
	req := b.BuildRequest
	if req.Dir == "" {
		req.Dir = contextDir(t, b.files)
	}
	if b.spec != "" {
		req.DockerfileInline = b.spec
	}
	req.Frontend = frontend.Build
	req.BuildArgs = map[string]string{
		"APK_REPOSITORIES": env.Fixtures.APKRepository(),
		"PIP_FIND_LINKS":   env.Fixtures.Wheels(),
		"PIP_NO_INDEX":     "1",
	}
	maps.Copy(req.BuildArgs, b.BuildArgs)
	req.NamedContexts = map[string]string{"apk-keys": filepath.Dir(env.Fixtures.APKKey())}
	maps.Copy(req.NamedContexts, b.NamedContexts)
	return req
}

// must builds on the shared daemon and fails the test with the log if that fails.
func (b build) must(t *testing.T) *testenv.BuildResult {
	t.Helper()
	env := shared.Env(t)
	res, err := env.Build(t.Context(), b.on(t, env))
	require.NoError(t, err, "%s\n%s", testenv.SourceExcerpt(err), res.Log())
	return res
}

// fails builds on the shared daemon and returns its log and the error it must give.
func (b build) fails(t *testing.T) (log string, err error) {
	t.Helper()
	env := shared.Env(t)
	res, err := env.Build(t.Context(), b.on(t, env))
	require.Error(t, err)
	require.Nil(t, res.Image, "a failed build must not export anything")
	return res.Log(), err
}

func contextDir(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, files)
	return dir
}

func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	}
}

// run runs the image and returns what it printed on standard output, which it must do with
// exit status 0.
func run(t *testing.T, img *testenv.Image, opts testenv.RunOptions) string {
	t.Helper()
	res, err := img.Run(t.Context(), opts)
	require.NoError(t, err)
	require.Zero(t, res.ExitCode, "%s\n%s", res.Stdout, res.Stderr)
	return res.Stdout
}

// python runs a program in the image.
func python(t *testing.T, img *testenv.Image, program string) string {
	t.Helper()
	return strings.TrimSpace(run(t, img, testenv.RunOptions{Args: []string{"-c", program}}))
}
