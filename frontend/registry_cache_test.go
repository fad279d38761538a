package frontend_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// A new machine of continuous integration takes what others installed and compiled from the
// cache in the registry: the example's own bake file, with its own variables, on two daemons.
func TestIntegrationRegistryCache(t *testing.T) {
	env := shared.Env(t)
	pushFrontend(t, env)
	fresh, err := env.StartDaemon(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, fresh.Close()) })
	r := newReader(t, env)
	require.NoError(t, os.CopyFS(r.dir, os.DirFS(filepath.Join("..", "examples", "ci"))))
	team := env.Registry.Host() + "/team"

	bakeSteps(t, r, env.Daemon, "REGISTRY="+team, "CACHE="+team+"/cache", "CACHE_WRITE=1")
	steps := bakeSteps(t, r, fresh, "REGISTRY="+team, "CACHE="+team+"/cache")
	for _, name := range []string{" pip] install", " python] compile", " root] install"} {
		found := false
		for step, cached := range steps {
			if strings.Contains(step, name) {
				found = true
				require.True(t, cached, "%s ran on a new machine", step)
			}
		}
		require.True(t, found, "%s is no step of %v", name, steps)
	}
}

// bakeSteps bakes and pushes the reader's folder on a daemon, and returns what steps there
// were, and which were cached.
func bakeSteps(t *testing.T, r *reader, daemon *testenv.Daemon, environ ...string) map[string]bool {
	t.Helper()
	config := t.TempDir()
	create := exec.CommandContext(t.Context(), r.buildx, "create", "--name", "ci", "--driver", "remote", daemon.Address)
	create.Env = append(os.Environ(), "BUILDX_CONFIG="+config)
	out, err := create.CombinedOutput()
	require.NoError(t, err, "%s", out)

	args := []string{"bake", "--builder", "ci", "--push", "--progress", "rawjson"}
	req := build{}.on(t, r.env)
	for name, value := range req.BuildArgs {
		args = append(args, "--set", "*.args."+name+"="+value)
	}
	for name, value := range req.NamedContexts {
		args = append(args, "--set", "*.contexts."+name+"="+value)
	}
	bake := exec.CommandContext(t.Context(), r.buildx, args...)
	bake.Dir = r.dir
	bake.Env = append(append(os.Environ(), "BUILDX_CONFIG="+config, "BUILDX_BAKE_ENTITLEMENTS_FS=0"), environ...)
	var progress bytes.Buffer
	bake.Stderr = &progress
	require.NoError(t, bake.Run(), "%s", &progress)

	steps := map[string]bool{}
	lines := bufio.NewScanner(&progress)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var status client.SolveStatus
		if json.Unmarshal(lines.Bytes(), &status) != nil {
			continue // what bake itself says
		}
		for _, v := range status.Vertexes {
			steps[v.Name] = steps[v.Name] || v.Cached
		}
	}
	require.NoError(t, lines.Err())
	return steps
}
