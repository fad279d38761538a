package frontend_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// An expectation is the expect.yaml of an example.
type expectation struct {
	// DiskBytes and PulledBytes are what the image may weigh.
	DiskBytes   int64         `yaml:"disk-bytes"`
	PulledBytes int64         `yaml:"pulled-bytes"`
	Run         []expectedRun `yaml:"run"`
	HTTP        *expectedHTTP `yaml:"http"`
}

// An expectedRun is a `docker run` and what comes of it.
type expectedRun struct {
	Entrypoint    []string `yaml:"entrypoint"` // the image's own when empty
	Args          []string `yaml:"args"`
	User          string   `yaml:"user"`
	ReadOnly      bool     `yaml:"read-only"`
	ExitCode      int      `yaml:"exit-code"`
	Stdout        string   `yaml:"stdout"`         // all of it
	StdoutMatches string   `yaml:"stdout-matches"` // instead of Stdout
}

// expectedHTTP is what the image answers when it runs as it is.
type expectedHTTP struct {
	Port     string            `yaml:"port"` // the variable that tells it where to listen
	Requests []expectedRequest `yaml:"requests"`
}

type expectedRequest struct {
	Path        string `yaml:"path"`
	Status      int    `yaml:"status"` // 200 when 0
	Body        string `yaml:"body"`
	BodyMatches string `yaml:"body-matches"` // instead of Body
}

// examples returns the folders of examples/.
func examples(t *testing.T) []string {
	t.Helper()
	root, err := testenv.RepoRoot()
	require.NoError(t, err)
	dirs, err := filepath.Glob(filepath.Join(root, "examples", "*", "Dockerfile"))
	require.NoError(t, err)
	require.NotEmpty(t, dirs)
	for i := range dirs {
		dirs[i] = filepath.Dir(dirs[i])
	}
	return dirs
}

func expectationOf(t *testing.T, dir string) expectation {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "expect.yaml"))
	require.NoError(t, err)
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	var expect expectation
	require.NoError(t, decoder.Decode(&expect))
	require.Positive(t, expect.DiskBytes)
	require.Positive(t, expect.PulledBytes)
	require.NotEmpty(t, expect.Run)
	return expect
}

func TestIntegrationExamples(t *testing.T) {
	for _, dir := range examples(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			expect := expectationOf(t, dir)
			img := build{BuildRequest: testenv.BuildRequest{Dir: dir}}.must(t).Image
			expect.requireSizes(t, img)
			for _, r := range expect.Run {
				r.require(t, img.Run)
			}
			if expect.HTTP != nil {
				expect.HTTP.require(t, img)
			}
		})
	}
}

func (e expectation) requireSizes(t *testing.T, img *testenv.Image) {
	t.Helper()
	disk, err := img.DiskSize()
	require.NoError(t, err)
	t.Logf("%d bytes on disk, %d bytes pulled", disk, img.PulledSize())
	if shared.Env(t).StandIn() {
		t.Log("the stand-in for Alpine is larger: sizes are not compared")
		return
	}
	require.LessOrEqual(t, disk, e.DiskBytes)
	require.LessOrEqual(t, img.PulledSize(), e.PulledBytes)
}

// A runner runs an image: Image.Run, or a Docker Engine.
type runner func(context.Context, testenv.RunOptions) (testenv.RunResult, error)

func (r expectedRun) require(t *testing.T, run runner) {
	t.Helper()
	res, err := run(t.Context(), testenv.RunOptions{
		Entrypoint: r.Entrypoint, Args: r.Args, User: r.User, ReadOnly: r.ReadOnly,
	})
	require.NoError(t, err)
	require.Equal(t, r.ExitCode, res.ExitCode, "%q: %s%s", r.Args, res.Stdout, res.Stderr)
	requireText(t, r.Stdout, r.StdoutMatches, res.Stdout)
}

func requireText(t *testing.T, want, pattern, got string) {
	t.Helper()
	if pattern != "" {
		require.Regexp(t, pattern, got)
		return
	}
	require.Equal(t, want, got)
}

func (h expectedHTTP) require(t *testing.T, img *testenv.Image) {
	t.Helper()
	port := freePort(t) // containers of tests are on the host's network
	env := []string{h.Port + "=" + port}
	requireHealth(t, img, env, false)
	container, err := img.Start(t.Context(), testenv.RunOptions{Env: env, ReadOnly: true, NoNewPrivileges: true, CapDrop: []string{"ALL"}})
	require.NoError(t, err)
	defer func() {
		start := time.Now()
		_, err := container.Stop()
		require.NoError(t, err)
		require.Less(t, time.Since(start), 5*time.Second, "it must stop when it is asked to")
	}()
	for _, r := range h.Requests {
		r.require(t, container, "http://127.0.0.1:"+port)
	}
	requireHealth(t, img, env, true)
}

// require asks until the server has started.
func (r expectedRequest) require(t *testing.T, container interface{ Output() (string, string) }, server string) {
	t.Helper()
	var answer *http.Response
	require.Eventually(t, func() bool {
		var err error
		answer, err = http.Get(server + r.Path)
		return err == nil
	}, 30*time.Second, 20*time.Millisecond)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	_, stderr := container.Output()
	want := r.Status
	if want == 0 {
		want = http.StatusOK
		requireText(t, r.Body, r.BodyMatches, string(body))
	}
	require.Equal(t, want, answer.StatusCode, "%s\n%s", body, stderr)
}

// requireHealth runs the image's health check, if it has one, as an engine does.
func requireHealth(t *testing.T, img *testenv.Image, env []string, healthy bool) {
	t.Helper()
	check := img.Config.Config.Healthcheck
	if check == nil {
		return
	}
	require.Equal(t, "CMD", check.Test[0])
	res, err := img.Run(t.Context(), testenv.RunOptions{Entrypoint: check.Test[1:], Env: env})
	require.NoError(t, err)
	require.Equal(t, healthy, res.ExitCode == 0, res.Stderr)
}

// Examples are for everyone: no word in them is about where a test finds its packages.
func TestExamplesAreFreeOfMirrors(t *testing.T) {
	for _, dir := range examples(t) {
		text, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(text, []byte("#syntax=autumnjolitz/distroless-frontend\n")), dir)
		for _, word := range []string{"repositories", "keys", "index-url", "find-links", "trusted", "no-index", "://"} {
			require.NotContains(t, string(text), word, dir)
		}
	}
}

// The README of an example is followed to the letter, with the packaged frontend.
func TestIntegrationExampleReadmes(t *testing.T) {
	env := shared.Env(t)
	pushFrontend(t, env)
	for _, dir := range examples(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(dir, "README.rst"))
			require.NoError(t, err)
			blocks := blocksOf(string(text))
			require.NotEmpty(t, commandsOf(blocks))
			r := newReader(t, env)
			require.NoError(t, os.CopyFS(r.dir, os.DirFS(dir)))
			spec, err := os.ReadFile(filepath.Join(dir, "Dockerfile"))
			require.NoError(t, err)
			require.NoError(t, os.Remove(filepath.Join(r.dir, "Dockerfile")))
			r.write("Dockerfile", r.here(string(spec)))
			r.read(filepath.Join(dir, "README.rst"), blocks)
		})
	}
}
