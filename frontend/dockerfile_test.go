package frontend_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// httpie is the example of the original project's README, with our first line. As the test
// has no PyPI, it declares the arguments that lead pip to the mirror.
var httpie = strings.Replace(
	strings.Replace(httpieDockerfile, "#syntax=docker/dockerfile:1\n", "#syntax=autumnjolitz/distroless-frontend\n", 1),
	" AS buildroot\n", " AS buildroot\nARG PIP_FIND_LINKS\nARG PIP_NO_INDEX\n", 1)

func TestIntegrationDockerfile(t *testing.T) {
	res := build{spec: httpie}.must(t)
	require.Equal(t, "3.2.4\n", run(t, res.Image, testenv.RunOptions{Args: []string{"--version"}}))
	require.Equal(t, []string{"http"}, res.Image.Config.Config.Entrypoint)
	require.Contains(t, res.Image.Config.Config.Env, "PYTHON_VERSION=3.13")
}

// Every way to name an image is one, whatever stands before it.
func TestIntegrationDockerfileReferences(t *testing.T) {
	res := build{spec: `
ARG REGISTRY=ghcr.io/someone
ARG SOURCE_IMAGE=${REGISTRY}/distroless-python:3.13-alpine3.20
FROM ${SOURCE_IMAGE}-buildroot AS builder
RUN --mount=from=registry.example/x/distroless-python:3.13-alpine3.20,target=/other test -x /other/usr/bin/dash
RUN chroot-apk add hello-apk
FROM scratch
COPY --from=localhost:5000/distroless-python:3.13-alpine3.20 / /
COPY --from=builder /d/usr/share/hello-apk /usr/share/hello-apk
ENTRYPOINT ["/usr/local/bin/python"]
`}.must(t)
	require.Equal(t, "True", python(t, res.Image, "import os; print(os.path.exists('/usr/share/hello-apk/greeting'))"))
}

func TestIntegrationDockerfileContextWins(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "marker"), nil, 0o644))
	res := build{
		spec:         "FROM autumnjolitz/distroless-python:3.13-alpine3.20\n",
		BuildRequest: testenv.BuildRequest{NamedContexts: map[string]string{"autumnjolitz/distroless-python:3.13-alpine3.20": dir}},
	}.must(t)
	files, err := res.Image.Files()
	require.NoError(t, err)
	require.Contains(t, files, "/marker")
	require.NotContains(t, files, "/usr/local/bin/python")
}

func TestIntegrationDockerfileImpossiblePair(t *testing.T) {
	_, err := build{spec: "# a comment\nFROM autumnjolitz/distroless-python:3.13-alpine3.1\n"}.fails(t)
	require.ErrorContains(t, err, "build autumnjolitz/distroless-python:3.13-alpine3.1: ")
	require.ErrorContains(t, err, "docker.io/library/python:3.13-alpine3.1")
	require.Contains(t, testenv.SourceExcerpt(err), "   2 | >>> FROM autumnjolitz/distroless-python:3.13-alpine3.1")
}

func TestIntegrationDockerfileErrorsAreItsOwn(t *testing.T) {
	_, err := build{spec: "FROM autumnjolitz/distroless-python:3.13-alpine3.20\nCOPPY a b\n"}.fails(t)
	require.ErrorContains(t, err, "COPPY")
	require.Contains(t, testenv.SourceExcerpt(err), "   2 | >>> COPPY a b")
}

// Nothing of ours is in the way of a Dockerfile that names no image of ours.
func TestIntegrationPlainDockerfile(t *testing.T) {
	res := build{spec: "FROM scratch\nCOPY <<EOF /greeting\nhello\nEOF\n"}.must(t)
	data, err := res.Image.ReadFile(t.Context(), "/greeting")
	require.NoError(t, err)
	require.Equal(t, "hello\n", string(data))
}
