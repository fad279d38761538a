package frontend_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// dockerBuild has `docker build` build a folder, on the network of the host, where the mirror
// is, and returns the name of the image.
func dockerBuild(t *testing.T, env *testenv.Env, docker *testenv.Docker, dir string, options ...string) string {
	t.Helper()
	name := "test-" + filepath.Base(dir)
	args := append([]string{"build", "--network", "host", "--progress", "plain",
		"--build-arg", "APK_REPOSITORIES=" + env.Fixtures.APKRepository(),
		"--build-arg", "PIP_FIND_LINKS=" + env.Fixtures.Wheels(), "--build-arg", "PIP_NO_INDEX=1",
		"--build-context", "apk-keys=" + filepath.Dir(env.Fixtures.APKKey()),
		"--tag", name}, options...)
	out, err := docker.Command(t.Context(), append(args, dir)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return name
}

// Debian's engine is 20.10: its BuildKit is 0.8, which has no MergeOp, no named contexts in its
// own Dockerfile frontend, and graph drivers. The #syntax line is all it takes.
func TestIntegrationDockerEngine(t *testing.T) {
	env := shared.Env(t)
	docker := env.RequireDocker(t)
	t.Log("Docker Engine", docker.Version)
	pushFrontend(t, env)

	t.Run("spec", func(t *testing.T) {
		name := dockerBuild(t, env, docker, filepath.Join("..", "examples", "simple-flask"))
		out, err := docker.Command(t.Context(), "run", "--rm", "--network", "host", "--read-only", name, "--version").CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "Flask 3.1.1")
		user, err := docker.Command(t.Context(), "run", "--rm", "--network", "host", "--entrypoint", "python", name, "-c", "import os; print(os.getuid())").Output()
		require.NoError(t, err)
		require.Equal(t, "65532\n", string(user))
	})
	t.Run("Dockerfile", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "httpie")
		require.NoError(t, os.Mkdir(dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(httpie), 0o644))
		out, err := docker.Command(t.Context(), "run", "--rm", "--network", "host", dockerBuild(t, env, docker, dir), "--version").CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Equal(t, "3.2.4\n", string(out))
	})
	t.Run("another platform", func(t *testing.T) {
		foreign := env.RequireForeign(t)
		dir := filepath.Join(t.TempDir(), "foreign")
		require.NoError(t, os.Mkdir(dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(minimal+"packages: [zip]\nworkdir: /app\n"), 0o644))
		name := dockerBuild(t, env, docker, dir, "--platform", foreign.Platform)
		qemu := foreign.Mount()
		out, err := docker.Command(t.Context(), "run", "--rm", "--network", "host", "--platform", foreign.Platform,
			"--volume", qemu.Source+":"+qemu.Target+":ro", "--entrypoint", qemu.Target, name,
			"/usr/local/bin/python", "-c", "import json, os; print(os.uname().machine, os.getcwd())").CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Equal(t, foreign.Arch+" /app\n", string(out))
	})
}
