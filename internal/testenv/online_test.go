package testenv_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/frontend"
	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// upstream is the command that makes the fixtures of a registry and a mirror.
func upstream(t *testing.T, registry, alpine, out string) *exec.Cmd {
	t.Helper()
	root, err := testenv.RepoRoot()
	require.NoError(t, err)
	if _, err := os.Stat(filepath.Join(root, "out", "offline", "wheels")); err != nil {
		t.Skipf("no wheels and no packages made for tests: run `make offline`: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", "./cmd/online", "-registry", registry, "-alpine", alpine, "-o", out)
	cmd.Dir = filepath.Join(root, "hack", "offline")
	return cmd
}

// Where a registry can be reached, the tests build on its image and on Alpine's packages. Here
// the environment's own registry is that, and a server of the fixtures the mirror.
func TestIntegrationOnline(t *testing.T) {
	env := shared.Env(t)
	mirror := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(env.Fixtures.Dir, "alpine"))))
	t.Cleanup(mirror.Close)
	out := filepath.Join(t.TempDir(), "online")
	log, err := upstream(t, env.Registry.Host(), mirror.URL, out).CombinedOutput()
	require.NoError(t, err, "%s", log)

	online := testenv.New(t, testenv.Options{Fixtures: out})
	require.Equal(t, env.StandIn(), online.StandIn())
	res, err := online.Build(t.Context(), testenv.BuildRequest{
		DockerfileInline: "python: '3.13'\nalpine: '3.20'\npackages: [hello-service, tzdata]\npip: {packages: [six]}\n",
		Frontend:         frontend.Build,
		BuildArgs: map[string]string{
			"APK_REPOSITORIES": online.Fixtures.APKRepository(),
			"PIP_FIND_LINKS":   online.Fixtures.Wheels(), "PIP_NO_INDEX": "1",
		},
		// The packages are signed by whom the mirror has them from, the index by us.
		NamedContexts: map[string]string{"apk-keys": keys(t, env, online)},
	})
	require.NoError(t, err, res.Log())
	ran, err := res.Image.Run(t.Context(), testenv.RunOptions{Args: []string{"-c", "import six, zoneinfo; print(zoneinfo.ZoneInfo('Europe/Paris'))"}})
	require.NoError(t, err)
	require.Equal(t, "Europe/Paris\n", ran.Stdout, ran.Stderr)
}

// keys is a folder of the keys of environments. The real base has Alpine's key.
func keys(t *testing.T, envs ...*testenv.Env) string {
	t.Helper()
	dir := t.TempDir()
	for _, env := range envs {
		key, err := os.ReadFile(env.Fixtures.APKKey())
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.Base(env.Fixtures.APKKey())), key, 0o644))
	}
	return dir
}

func TestIntegrationOnlineUnreachable(t *testing.T) {
	testenv.Require(t)
	out := filepath.Join(t.TempDir(), "online")
	log, err := upstream(t, "127.0.0.1:1", "http://127.0.0.1:1/alpine", out).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(log), `online: it cannot be reached: Head "http://127.0.0.1:1/v2/"`)
	require.NoDirExists(t, out)
}
