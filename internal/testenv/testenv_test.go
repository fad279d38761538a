package testenv_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

const trivial = `FROM python:3.13-alpine3.20
LABEL which=one
RUN echo hello >/hello && ln -s hello /link && rm /etc/motd
RUN adduser -D -u 1234 app && mkdir /made && chown app /made && chmod 1777 /made
COPY --from=other . /other/
USER app
WORKDIR /made
`

var shared testenv.Shared

func TestMain(m *testing.M) { os.Exit(shared.Main(m)) }

func buildTrivial(t *testing.T, env *testenv.Env) *testenv.BuildResult {
	t.Helper()
	other := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(other, "file"), []byte("content"), 0o644))
	res, err := env.Build(t.Context(), testenv.BuildRequest{
		DockerfileInline: trivial,
		NamedContexts:    map[string]string{"other": other},
		Labels:           map[string]string{"from": "request"},
	})
	require.NoError(t, err, res.Log())
	return res
}

func TestIntegrationBuild(t *testing.T) {
	env := shared.Env(t)
	res := buildTrivial(t, env)

	require.Equal(t, "one", res.Image.Config.Config.Labels["which"])
	require.Equal(t, "request", res.Image.Config.Config.Labels["from"])
	require.Equal(t, res.Image.Digest.String(), res.Metadata["containerimage.digest"])
	require.NotNil(t, res.Vertex("echo hello"))
	require.NotEmpty(t, env.Registry.Requests("/library/python/blobs/"), "the base comes from the registry")

	again := buildTrivial(t, env)
	require.True(t, again.Vertex("echo hello").Cached)
	require.False(t, again.Vertex("echo hello").Ran())
	require.Equal(t, res.Image.Digest, again.Image.Digest)
}

func TestIntegrationImageFiles(t *testing.T) {
	img := buildTrivial(t, shared.Env(t)).Image

	files, err := img.Files()
	require.NoError(t, err)
	require.Equal(t, int64(6), files["/hello"].Size)
	require.Equal(t, "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", files["/hello"].SHA256)
	require.Equal(t, "hello", files["/link"].Link)
	require.Equal(t, 1234, files["/made"].UID)
	require.Equal(t, os.ModeDir|os.ModeSticky|0o777, files["/made"].Mode)
	require.Contains(t, files, "/other/file")
	require.NotContains(t, files, "/etc/motd", "a whiteout hides it")

	root, err := img.Rootfs(t.Context())
	require.NoError(t, err)
	for path := range files {
		_, err := os.Lstat(filepath.Join(root, path))
		require.NoError(t, err)
	}
	require.NoFileExists(t, filepath.Join(root, "etc", "motd"))
	content, err := img.ReadFile(t.Context(), "/link")
	require.NoError(t, err)
	require.Equal(t, "hello\n", string(content))

	disk, err := img.DiskSize()
	require.NoError(t, err)
	require.Greater(t, disk, img.PulledSize())
	sizes, err := img.UncompressedSizes()
	require.NoError(t, err)
	require.Len(t, sizes, len(img.Layers))
}

func TestIntegrationRun(t *testing.T) {
	img := buildTrivial(t, shared.Env(t)).Image
	run := func(opts testenv.RunOptions) testenv.RunResult {
		t.Helper()
		res, err := img.Run(t.Context(), opts)
		require.NoError(t, err)
		return res
	}
	sh := func(script string, opts testenv.RunOptions) testenv.RunResult {
		t.Helper()
		opts.Entrypoint, opts.Args = []string{"sh", "-c"}, []string{script}
		return run(opts)
	}

	require.Equal(t, "Python "+shared.Env(t).PythonVersion()+"\n", run(testenv.RunOptions{Args: []string{"python", "--version"}}).Stdout)
	require.Equal(t, 3, sh("exit 3", testenv.RunOptions{}).ExitCode)
	require.Equal(t, "oops\n", sh("echo oops >&2", testenv.RunOptions{}).Stderr)
	require.Equal(t, "in", sh("cat", testenv.RunOptions{Stdin: strings.NewReader("in")}).Stdout)
	require.Equal(t, "v\n", sh("echo $K", testenv.RunOptions{Env: []string{"K=v"}}).Stdout)
	require.Equal(t, "1234 1234 /made /home/app\n", sh("echo $(id -u) $(id -g) $PWD $HOME", testenv.RunOptions{}).Stdout)
	require.Equal(t, "0 /\n", sh("echo $(id -u) $PWD", testenv.RunOptions{User: "root", WorkDir: "/"}).Stdout)

	require.Zero(t, sh("touch a && test -c /dev/null && touch /dev/shm/a", testenv.RunOptions{}).ExitCode)
	require.NotZero(t, sh("test -e a", testenv.RunOptions{}).ExitCode, "runs do not see one another's files")
	require.NotZero(t, sh("touch a", testenv.RunOptions{ReadOnly: true}).ExitCode)
	require.Zero(t, sh("touch /tmp/a", testenv.RunOptions{ReadOnly: true, Mounts: []testenv.Mount{{Target: "/tmp"}}}).ExitCode)

	status := "grep -E '^(CapBnd|NoNewPrivs)' /proc/self/status"
	require.Equal(t, "CapBnd:\t00000000a80425fb\nNoNewPrivs:\t0\n", sh(status, testenv.RunOptions{}).Stdout)
	require.Equal(t, "CapBnd:\t0000000000000400\nNoNewPrivs:\t1\n", sh(status, testenv.RunOptions{
		CapDrop: []string{"ALL"}, CapAdd: []string{"NET_BIND_SERVICE"}, NoNewPrivileges: true,
	}).Stdout)

	_, err := img.Run(t.Context(), testenv.RunOptions{Entrypoint: []string{"/no/such/program"}})
	require.ErrorContains(t, err, "/no/such/program")

	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = img.Run(ctx, testenv.RunOptions{Entrypoint: []string{"sleep", "60"}})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestIntegrationServer(t *testing.T) {
	img := buildTrivial(t, shared.Env(t)).Image
	c, err := img.Start(t.Context(), testenv.RunOptions{Args: []string{"python", "-u", "-m", "http.server", "--bind", "127.0.0.1", "0"}})
	require.NoError(t, err)
	// It heeds the signal from when it answers on, not from when it says so.
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`)
	require.Eventually(t, func() bool {
		out, _ := c.Output()
		res, err := http.Get(address.FindString(out))
		if err != nil {
			return false
		}
		return res.Body.Close() == nil
	}, 20*time.Second, 20*time.Millisecond)
	require.NoError(t, c.Signal("SIGINT"))
	res, err := c.Wait(t.Context())
	require.NoError(t, err)
	require.Contains(t, res.Stdout, "Keyboard interrupt received")
}

func TestIntegrationContexts(t *testing.T) {
	env := shared.Env(t)
	res, err := env.Build(t.Context(), testenv.BuildRequest{
		DockerfileInline: "FROM base\n",
		NamedContexts:    map[string]string{"base": "oci-layout://" + env.BaseLayout()},
		Platforms:        []string{"linux/amd64", "linux/arm64"},
		Push:             env.Registry.Ref("docker.io/me/copy:1"),
	})
	require.NoError(t, err, res.Log())
	require.Len(t, res.Images, 2)
	require.Equal(t, "arm64", res.Images["linux/arm64"].Config.Architecture)

	res, err = env.Build(t.Context(), testenv.BuildRequest{DockerfileInline: "FROM me/copy:1\n"})
	require.NoError(t, err, "what was pushed is found as docker.io")
	require.Equal(t, "amd64", res.Image.Config.Architecture)
}

func TestIntegrationError(t *testing.T) {
	env := shared.Env(t)
	res, err := env.Build(t.Context(), testenv.BuildRequest{
		DockerfileInline: "FROM python:3.13-alpine3.20\nRUN echo reason && false\n",
	})
	require.Error(t, err)
	require.Contains(t, testenv.SourceExcerpt(err), ">>> RUN echo reason && false")
	require.Contains(t, res.Log(), "reason")

	source := &errdefs.Source{
		Info:   &pb.SourceInfo{Filename: "spec.yaml", Data: []byte("one\ntwo\n")},
		Ranges: []*pb.Range{{Start: &pb.Position{Line: 2}, End: &pb.Position{Line: 2}}},
	}
	_, err = env.Build(t.Context(), testenv.BuildRequest{
		Frontend: func(context.Context, gateway.Client) (*gateway.Result, error) {
			return nil, errdefs.WithSource(io.ErrUnexpectedEOF, source)
		},
	})
	require.Error(t, err)
	require.Contains(t, testenv.SourceExcerpt(err), ">>> two")
}

func TestIntegrationSubrequest(t *testing.T) {
	res, err := shared.Env(t).Build(t.Context(), testenv.BuildRequest{
		DockerfileInline: "FROM scratch AS one\nFROM scratch AS two\n",
		FrontendAttrs:    map[string]string{"requestid": "frontend.targets"},
		NoExport:         true,
	})
	require.NoError(t, err)
	require.Contains(t, string(res.FrontendMetadata["result.txt"]), "two")
}

func TestIntegrationTwoDaemons(t *testing.T) {
	env := shared.Env(t)
	second, err := env.StartDaemon(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, second.Close()) }()
	req := testenv.BuildRequest{DockerfileInline: "FROM python:3.13-alpine3.20\nRUN echo second\n"}

	res, err := second.Build(t.Context(), req)
	require.NoError(t, err, res.Log())
	require.True(t, res.Vertex("echo second").Ran())
	require.NoError(t, second.Restart(t.Context()))
	res, err = second.Build(t.Context(), req)
	require.NoError(t, err, res.Log())
	require.True(t, res.Vertex("echo second").Cached, "a restart keeps the cache")
}

func TestIntegrationClose(t *testing.T) {
	dir := t.TempDir()
	env := testenv.New(t, testenv.Options{Daemon: testenv.DaemonOptions{Dir: dir}})
	buildTrivial(t, env)
	require.NoError(t, env.Close())
	require.NoError(t, env.Close(), "closing twice is fine")
	left, err := filepath.Glob(filepath.Join(dir, "env*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestFixtures(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "wheels"), 0o755))
	wheel := strings.Repeat("0123456789", 1000)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "wheels", "a-1-py3-none-any.whl"), []byte(wheel), 0o644))
	f, err := testenv.StartFixtures(dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	get := func(url string) (int, string, error) {
		resp, err := http.Get(url)
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body), err
	}

	_, index, err := get(f.Wheels())
	require.NoError(t, err)
	require.Contains(t, index, `<a href="a-1-py3-none-any.whl">`)

	url := f.Wheels() + "a-1-py3-none-any.whl"
	f.Fail(".whl", testenv.FaultError, 1)
	status, _, err := get(url)
	require.NoError(t, err)
	require.Equal(t, http.StatusInternalServerError, status)

	restore := f.Fail(".whl", testenv.FaultTruncate, 0)
	_, body, err := get(url)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, wheel[:len(wheel)/2], body)
	restore()

	f.Fail(".whl", testenv.FaultCorrupt, 1)
	_, body, err = get(url)
	require.NoError(t, err)
	require.Len(t, body, len(wheel))
	require.NotEqual(t, wheel, body)

	_, body, err = get(url)
	require.NoError(t, err)
	require.Equal(t, wheel, body)
	require.Len(t, f.Requests(".whl"), 4)
}
