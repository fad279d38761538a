package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// dockerDemo is `make demo SPEC=…` on an engine that has no network but the host's, where the
// mirror is: all that it is told of that are flags of docker's own.
func dockerDemo(t *testing.T, env *testenv.Env, docker *testenv.Docker, spec string) *exec.Cmd {
	t.Helper()
	root, err := testenv.RepoRoot()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, "hack", "demo.sh"), spec)
	cmd.Env = append(docker.Command(t.Context()).Env, "DOCKER_BUILD_FLAGS=--network=host", "SPEC_BUILD_FLAGS="+strings.Join([]string{
		"--build-arg=APK_REPOSITORIES=" + env.Fixtures.APKRepository(),
		"--build-arg=PIP_FIND_LINKS=" + env.Fixtures.Wheels(), "--build-arg=PIP_NO_INDEX=1",
		"--build-context=apk-keys=" + filepath.Dir(env.Fixtures.APKKey()),
	}, " "))
	return cmd
}

// TestIntegrationDockerEngineDemo runs the demonstration as somebody who has Docker sees it.
func TestIntegrationDockerEngineDemo(t *testing.T) {
	env := testenv.New(t, testenv.Options{})
	docker := env.RequireDocker(t)
	env.RequireGolang(t)

	out, err := dockerDemo(t, env, docker, "examples/simple-flask").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "    Hello, world!\n")
	require.Regexp(t, `(?m)^ +final +\d+\.\d MB +\d+\.\d MiB +\d+ +\d+ +\d+ ms$`, string(out))
	require.Contains(t, string(out), "[pip] install -r requirements.txt", "its progress is shown")
	require.Less(t, strings.Count(string(out), "\n"), 80, "and is no wall of text:\n%s", out)
	requireNoContainer(t, docker)

	// Stopped with Ctrl-C while the container runs, it leaves neither that nor files.
	tmp := t.TempDir()
	cmd := dockerDemo(t, env, docker, "examples/simple-flask")
	cmd.Env = append(cmd.Env, "TMPDIR="+tmp)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	require.NoError(t, waitFor(stdout, "==> comparing"))
	require.NoError(t, syscall.Kill(-cmd.Process.Pid, syscall.SIGINT))
	_, err = io.Copy(io.Discard, stdout)
	require.NoError(t, err)
	require.Error(t, cmd.Wait())
	requireNoContainer(t, docker)
	files, err := os.ReadDir(tmp)
	require.NoError(t, err)
	require.Empty(t, files)
}

func requireNoContainer(t *testing.T, docker *testenv.Docker) {
	t.Helper()
	left, err := docker.Command(t.Context(), "ps", "--all", "--quiet").Output()
	require.NoError(t, err)
	require.Empty(t, string(left), "the container is gone")
}
