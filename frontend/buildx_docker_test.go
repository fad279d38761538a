package frontend_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What only the docker command line and its engine can show: the engine's own images, that
// --load fills and --pull passes over.
func TestIntegrationBuildxDockerCLI(t *testing.T) {
	x := newBuildx(t, sharedDaemon)
	docker := x.env.RequireDocker(t)
	run := func(t *testing.T, args ...string) string {
		t.Helper()
		out, err := docker.Command(t.Context(), args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	dirs := map[string]string{}
	for name, text := range oldFiles() {
		dirs[name] = contextDir(t, map[string]string{"Dockerfile": text})
	}

	t.Run("pull", func(t *testing.T) {
		pushOld(t, x.env, "3.9.1")
		run(t, "pull", "python:3.9-alpine3.20")
		pushOld(t, x.env, "3.9.2")
		for name, dir := range dirs {
			for option, version := range map[string]string{"--pull=false": "3.9.1", "--pull": "3.9.2"} {
				t.Run(name+" "+option, func(t *testing.T) {
					out, err := docker.Command(t.Context(), "buildx", "build", option, dir).CombinedOutput()
					require.Error(t, err)
					require.Contains(t, string(out), "its Python is "+version)
				})
			}
		}
	})
	t.Run("load", func(t *testing.T) {
		run(t, "buildx", "create", "--name", "remote", "--driver", "remote", x.env.Daemon.Address)
		for name, text := range map[string]string{"spec": minimal, "Dockerfile": onFinal} {
			dir := contextDir(t, map[string]string{"Dockerfile": text})
			args := append([]string{"buildx", "build", "--builder", "remote", "--load", "-t", "loaded"}, x.mirror()...)
			run(t, append(args, dir)...)
			require.Equal(t, "Python 3.13.5\n", run(t, "run", "--rm", "--network", "none", "loaded", "-V"), name)
		}
	})
}
