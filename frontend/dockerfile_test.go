package frontend_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// httpie is the example of the original project's README but for its first line and version.
const httpie = `#syntax=autumnjolitz/distroless-frontend
FROM autumnjolitz/distroless-python:3.13-alpine3.20-buildroot AS buildroot
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
RUN python -m pip install \
        --no-cache \
        --prefix "$BUILD_ROOT/usr/local" \
        httpie

FROM autumnjolitz/distroless-python:3.13-alpine3.20
COPY --from=buildroot \
    /$BUILD_ROOT/usr/local/lib/python$PYTHON_VERSION/site-packages \
    /usr/local/lib/python$PYTHON_VERSION/site-packages
COPY --from=buildroot \
    /$BUILD_ROOT/usr/local/bin/http \
    /usr/local/bin/http

ENTRYPOINT ["http"]
`

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
