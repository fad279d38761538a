package frontend_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

const published = "autumnjolitz/distroless-python:3.13-alpine3.20"

// publish pushes the two images of the minimal spec by the names that Dockerfiles use, once.
var publish = func() func(t *testing.T) (buildroot *testenv.Image) {
	var mu sync.Mutex
	var img *testenv.Image
	return func(t *testing.T) *testenv.Image {
		t.Helper()
		env := shared.Env(t)
		mu.Lock()
		defer mu.Unlock()
		if img == nil {
			build{spec: minimal, BuildRequest: testenv.BuildRequest{Push: env.Registry.Ref(published)}}.must(t)
			ref := env.Registry.Ref(published + "-buildroot")
			img = build{spec: minimal, BuildRequest: testenv.BuildRequest{Target: "buildroot", Push: ref}}.must(t).Image
		}
		return img
	}
}()

// fromBuildroot builds a Dockerfile of someone for whom the fixtures are the package index.
func fromBuildroot(t *testing.T, text string) *testenv.Image {
	t.Helper()
	publish(t)
	env := shared.Env(t)
	from := published + "-buildroot AS buildroot\n"
	require.Contains(t, text, from)
	text = strings.Replace(text, from, from+"ARG PIP_FIND_LINKS\nARG PIP_NO_INDEX\nARG PIP_TRUSTED_HOST\n", 1)
	res, err := env.Build(t.Context(), testenv.BuildRequest{
		DockerfileInline: text,
		BuildArgs: map[string]string{
			"PIP_FIND_LINKS":   env.Fixtures.Wheels(),
			"PIP_NO_INDEX":     "1",
			"PIP_TRUSTED_HOST": "127.0.0.1",
		},
	})
	require.NoError(t, err, "%s\n%s", testenv.SourceExcerpt(err), res.Log())
	return res.Image
}

// httpieDockerfile is the example that users of distroless-python know.
const httpieDockerfile = `#syntax=docker/dockerfile:1
FROM autumnjolitz/distroless-python:3.13-alpine3.20-buildroot AS buildroot
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

func TestIntegrationBuildrootInstallsByPrefix(t *testing.T) {
	// The daemon has no registry to take docker/dockerfile:1 from; it has the same built in.
	_, text, _ := strings.Cut(httpieDockerfile, "\n")
	img := fromBuildroot(t, text)
	require.Equal(t, "3.2.4\n", run(t, img, testenv.RunOptions{Args: []string{"--version"}}))
	shebang, err := img.ReadFile(t.Context(), "/usr/local/bin/http")
	require.NoError(t, err)
	require.Equal(t, "#!/usr/local/bin/python", strings.TrimRight(lines(string(shebang))[0], "3.1"))
}

const helpersDockerfile = `
FROM autumnjolitz/distroless-python:3.13-alpine3.20-buildroot AS buildroot
RUN chroot-pip -O install httpie
RUN chroot-apk add hello-apk && chroot-ln -s python /usr/local/bin/snake
RUN test "$(chroot-exec http --version)" = 3.2.4

FROM autumnjolitz/distroless-python:3.13-alpine3.20
COPY --from=buildroot $BUILD_ROOT/ /
ENTRYPOINT ["http"]
`

func TestIntegrationBuildrootInstallsByHelpers(t *testing.T) {
	img := fromBuildroot(t, helpersDockerfile)
	require.Equal(t, "3.2.4\n", run(t, img, testenv.RunOptions{Args: []string{"--version"}, ReadOnly: true, User: "nonroot"}))
	files := filesOf(t, img)
	require.Contains(t, files, "/usr/share/hello-apk/greeting")
	require.Equal(t, "python", files["/usr/local/bin/snake"].Link)
	require.Contains(t, apkDatabase(t, img), "hello-apk")
	require.Contains(t, files, "/usr/local/lib/python3.13/site-packages/httpie/core.pyc")
	require.NotContains(t, files, "/usr/local/lib/python3.13/site-packages/httpie/core.py")
	for name, file := range files {
		require.NotContains(t, name, ".chroot")
		require.NotContains(t, file.Link, "busybox")
		require.NotContains(t, name, "__pycache__")
	}
	requirePackagesWhole(t, img, apkDatabase(t, img))
}

func TestIntegrationConfigOfBuildroot(t *testing.T) {
	img := publish(t)
	env := img.Config.Config.Env
	for _, want := range []string{"BUILD_ROOT=/d", "CACHE_ROOT=/var/cache/chroot", "PYTHON_VERSION=3.13", "ALPINE_VERSION=3.20", "LANG=C.UTF-8"} {
		require.Contains(t, env, want)
	}
	files := filesOf(t, img)
	for _, command := range []string{"chroot-apk", "chroot-pip", "chroot-exec", "chroot-ln", "remove-py-if-pyc-exists"} {
		require.Equal(t, "../lib/distroless/"+command, files["/usr/local/bin/"+command].Link)
		require.EqualValues(t, 0o755, files["/usr/local/lib/distroless/"+command].Mode)
	}
	require.Contains(t, files, "/usr/local/bin/pip")
}

// The root in the buildroot image is the final image, file by file.
func TestIntegrationRootOfBuildrootIsFinal(t *testing.T) {
	root := filesOf(t, publish(t))
	final := filesOf(t, finalOf(t, minimal))
	count := 0
	for name, file := range root {
		if name, ok := strings.CutPrefix(name, "/d/"); ok {
			count++
			want := final["/"+name]
			require.Equal(t, want.Mode, file.Mode, name)
			require.Equal(t, want.Link, strings.TrimPrefix(file.Link, "/d"), name)
			require.Equal(t, want.SHA256, file.SHA256, name)
			require.Equal(t, []int{want.UID, want.GID}, []int{file.UID, file.GID}, name)
		}
	}
	delete(final, "/")
	require.Equal(t, len(final), count)
}
