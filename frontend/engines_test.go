package frontend_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// An engine is where a `docker build` may end up.
type engine struct {
	*testenv.Docker
	env *testenv.Env
	// options are what `docker build` needs there to reach the test's mirror.
	options []string
	// warns tells whether its BuildKit knows warnings.
	warns bool
}

// onHostNetwork is for engines that the tests start without a network of their own.
var onHostNetwork = []string{"--network", "host"}

// engines start what a user may have. Debian's engine is 20.10: its BuildKit is 0.8, which has
// no MergeOp, no warnings, no named contexts in its own Dockerfile frontend, and graph drivers.
var engines = []struct {
	name  string
	start func(*testing.T, *testenv.Env) engine
}{
	{"Docker Engine of the system", func(t *testing.T, env *testenv.Env) engine {
		docker := env.RequireDocker(t)
		return engine{docker, env, onHostNetwork, !strings.HasPrefix(docker.Version, "20.")}
	}},
	{"current Docker Engine", func(t *testing.T, env *testenv.Env) engine {
		return engine{env.RequireMoby(t), env, onHostNetwork, true}
	}},
	{"buildkitd behind the remote driver", func(t *testing.T, env *testenv.Env) engine {
		docker := env.RequireDocker(t)
		require.NoError(t, docker.UseRemoteBuilder(t.Context(), env.Daemon))
		return engine{docker, env, nil, true}
	}},
}

// build runs `docker build` on a folder and returns the name of the image, and what was printed.
func (e engine) build(t *testing.T, dir string, options ...string) (name, output string) {
	t.Helper()
	name = "test-" + strings.ToLower(filepath.Base(dir))
	args := append([]string{"build", "--progress", "plain", "--tag", name,
		"--build-arg", "APK_REPOSITORIES=" + e.env.Fixtures.APKRepository(),
		"--build-arg", "PIP_FIND_LINKS=" + e.env.Fixtures.Wheels(), "--build-arg", "PIP_NO_INDEX=1",
		"--build-context", "apk-keys=" + filepath.Dir(e.env.Fixtures.APKKey())}, e.options...)
	out, err := e.Command(t.Context(), append(append(args, options...), dir)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return name, string(out)
}

// runner runs an image with the engine.
func (e engine) runner(name string) runner {
	return func(ctx context.Context, opts testenv.RunOptions) (testenv.RunResult, error) {
		return e.Run(ctx, name, opts)
	}
}

// flaskDockerfile is the application of examples/simple-flask, written as a Dockerfile.
const flaskDockerfile = `#syntax=autumnjolitz/distroless-frontend
FROM autumnjolitz/distroless-python:3.13-alpine3.20-buildroot AS buildroot
ARG PIP_FIND_LINKS
ARG PIP_NO_INDEX
COPY requirements.txt /tmp/
RUN chroot-pip -O install -r /tmp/requirements.txt

FROM autumnjolitz/distroless-python:3.13-alpine3.20
COPY --from=buildroot $BUILD_ROOT/ /
COPY hello.py /app/
WORKDIR /app
USER nonroot
ENV FLASK_RUN_PORT=8080
EXPOSE 8080
STOPSIGNAL SIGINT
HEALTHCHECK CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['FLASK_RUN_PORT'] + '/_health')"]
ENTRYPOINT ["flask"]
CMD ["--app", "hello", "run", "--host=0.0.0.0"]
`

// Every example gives an image that does what it must, by `docker build` and `docker run`
// alone; so do the Dockerfiles that those of the examples stand for.
func TestIntegrationDockerEngines(t *testing.T) {
	env := shared.Env(t)
	pushFrontend(t, env)
	for _, test := range engines {
		t.Run(test.name, func(t *testing.T) {
			e := test.start(t, env)
			t.Logf("Docker Engine %s, command line %s", e.Version, e.ClientVersion)
			for _, dir := range examples(t) {
				t.Run(filepath.Base(dir), func(t *testing.T) { e.requireExample(t, dir, "") })
			}
			for example, dockerfile := range map[string]string{"httpie": httpie, "simple-flask": flaskDockerfile} {
				t.Run("Dockerfile of "+example, func(t *testing.T) {
					e.requireExample(t, filepath.Join("..", "examples", example), dockerfile)
				})
			}
			t.Run("files", e.requireSameFiles)
			t.Run("named context", e.requireNamedContext)
			t.Run("warnings", e.requireWarnings)
			t.Run("another platform", e.requireAnotherPlatform)
		})
	}
}

// requireExample builds an example, with another Dockerfile if that is not empty, and has the
// engine run it as expect.yaml says.
func (e engine) requireExample(t *testing.T, dir, dockerfile string) {
	copied := filepath.Join(t.TempDir(), filepath.Base(dir))
	require.NoError(t, os.CopyFS(copied, os.DirFS(dir)))
	if dockerfile != "" {
		require.NoError(t, os.WriteFile(filepath.Join(copied, "Dockerfile"), []byte(dockerfile), 0o644))
	}
	name, _ := e.build(t, copied)
	expect := expectationOf(t, dir)
	for _, r := range expect.Run {
		r.require(t, e.runner(name))
	}
	if expect.HTTP != nil {
		file, err := os.ReadFile(filepath.Join(copied, "Dockerfile"))
		require.NoError(t, err)
		health := "none"
		if strings.Contains(strings.ToLower(string(file)), "\nhealthcheck") {
			health = "healthy"
		}
		e.requireHTTP(t, name, health, expect.HTTP)
	}
}

// requireHTTP has the engine run a server, which must answer, come to be of that health, and stop
// when asked.
func (e engine) requireHTTP(t *testing.T, name, health string, expect *expectedHTTP) {
	t.Helper()
	port := freePort(t)
	container, err := e.Start(t.Context(), name, testenv.RunOptions{
		Env: []string{expect.Port + "=" + port}, ReadOnly: true, NoNewPrivileges: true, CapDrop: []string{"ALL"},
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, container.Remove(t.Context())) }()
	for _, r := range expect.Requests {
		r.require(t, container, "http://127.0.0.1:"+port)
	}
	require.Eventually(t, func() bool {
		got, err := container.Health(t.Context())
		return err == nil && got == health
	}, 30*time.Second, 100*time.Millisecond)
	code, err := container.Stop(t.Context())
	require.NoError(t, err)
	const killed = 128 + 9
	require.NotEqual(t, killed, code)
}

// inFolders has files go to folders of the image that are not all of root and for all to read.
const inFolders = minimal + "packages: [hello-service]\npip: {packages: [six]}\nworkdir: /app\nuser: app\nusers: [{name: app, uid: 1000}]\n" +
	"volumes: [/data]\nwritable: [/var/lib/hello]\nhealthcheck: {tcp: 80}\n" +
	"files: [{from: app.py, to: ./}, {from: app.py, to: /data/}, {from: app.py, to: /home/nonroot/}, {from: app.py, to: /tmp/sub/}]\n"

// requireSameFiles: an image has the same files wherever it was built, be it by MergeOp or by
// copies.
func (e engine) requireSameFiles(t *testing.T) {
	b := build{spec: inFolders, files: map[string]string{"app.py": "import six\n"}}
	want := b.must(t).Image

	dir := contextDir(t, b.files)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(b.spec), 0o644))
	name, _ := e.build(t, dir)
	image, err := e.Image(t.Context(), name)
	require.NoError(t, err)
	requireFilesOf(t, want, image)
}

// requireFilesOf checks that an image has the files of another, with their owners and modes.
func requireFilesOf(t *testing.T, of, img *testenv.Image) {
	t.Helper()
	want, got := filesOf(t, of), filesOf(t, img)
	require.Equal(t, want.Paths(), got.Paths())
	for _, path := range want.Paths() {
		want, got := want[path], got[path]
		// A folder is as old as the last write into it, and layers differ.
		want.Layer, want.ModTime = got.Layer, got.ModTime
		require.Equal(t, want, got)
	}
}

// requireNamedContext: named contexts come with the frontend, also where the engine has none.
func (e engine) requireNamedContext(t *testing.T) {
	const dockerfile = `#syntax=autumnjolitz/distroless-frontend
FROM autumnjolitz/distroless-python:3.13-alpine3.20
COPY --from=greetings hello /
ENTRYPOINT ["python", "-c", "print(open('/hello').read())"]
`
	dir := contextDir(t, map[string]string{"Dockerfile": dockerfile})
	greetings := contextDir(t, map[string]string{"hello": "from another folder"})
	name, _ := e.build(t, dir, "--build-context", "greetings="+greetings)
	res, err := e.Run(t.Context(), name, testenv.RunOptions{})
	require.NoError(t, err)
	require.Equal(t, "from another folder\n", res.Stdout)
}

// requireWarnings: a warning is printed where the engine knows them, and harms nowhere.
func (e engine) requireWarnings(t *testing.T) {
	const dockerfile = `#syntax=autumnjolitz/distroless-frontend
FROM autumnjolitz/distroless-python:3.13-alpine3.20 as lowercase
ENTRYPOINT ["python", "--version"]
`
	name, output := e.build(t, contextDir(t, map[string]string{"Dockerfile": dockerfile}))
	require.Equal(t, e.warns, strings.Contains(output, "FromAsCasing"), output)
	res, err := e.Run(t.Context(), name, testenv.RunOptions{})
	require.NoError(t, err)
	require.Equal(t, "Python 3.13.5\n", res.Stdout)
}

// requireAnotherPlatform: an engine builds for a platform that it cannot execute.
func (e engine) requireAnotherPlatform(t *testing.T) {
	foreign := e.env.RequireForeign(t)
	dir := contextDir(t, map[string]string{"Dockerfile": minimal + "packages: [zip]\nworkdir: /app\n"})
	name, _ := e.build(t, dir, "--platform", foreign.Platform)
	qemu := foreign.Mount()
	out, err := e.Command(t.Context(), "run", "--rm", "--network", "host", "--platform", foreign.Platform,
		"--volume", qemu.Source+":"+qemu.Target+":ro", "--entrypoint", qemu.Target, name,
		"/usr/local/bin/python", "-c", "import json, os; print(os.uname().machine, os.getcwd())").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Equal(t, foreign.Arch+" /app\n", string(out))
}

// Until release 23, docker had a BuildKit client in itself: with that, nothing has to be
// installed beside the engine. Its user's mirror is in the spec, as it knows no named contexts.
func TestIntegrationDockerEngineWithoutBuildx(t *testing.T) {
	env := shared.Env(t)
	docker := env.RequireDocker(t)
	if !strings.HasPrefix(docker.ClientVersion, "20.") {
		t.Skipf("the command line is %s, which builds by buildx", docker.ClientVersion)
	}
	pushFrontend(t, env)
	key, err := os.ReadFile(env.Fixtures.APKKey())
	require.NoError(t, err)
	keyFile := filepath.Base(env.Fixtures.APKKey())
	dir := contextDir(t, map[string]string{
		"Dockerfile": minimal + "apk: {repositories: [" + env.Fixtures.APKRepository() + "], keys: [" + keyFile + "]}\nentrypoint: [python, -V]\n",
		keyFile:      string(key),
	})
	out, err := docker.CommandWithoutBuildx(t.Context(), "build", "--network", "host", "--progress", "plain", "--tag", "without-buildx", dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
	res, err := docker.Run(t.Context(), "without-buildx", testenv.RunOptions{})
	require.NoError(t, err)
	require.Equal(t, "Python 3.13.5\n", res.Stdout)
}
