package frontend_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// An apkRepository is one besides that of the fixtures.
type apkRepository struct{ url, key string }

// extraPackage serves a repository of a package that the fixtures have not.
func extraPackage(t *testing.T, name string) apkRepository {
	t.Helper()
	testenv.Require(t)
	root, err := testenv.RepoRoot()
	require.NoError(t, err)
	dir, maker := t.TempDir(), filepath.Join(t.TempDir(), "package")
	out, err := exec.CommandContext(t.Context(), "go", "-C", filepath.Join(root, "hack", "offline"), "build", "-o", maker, "./cmd/package").CombinedOutput()
	require.NoError(t, err, "%s", out)
	out, err = exec.CommandContext(t.Context(), maker, "-o", dir, "-cache", filepath.Join(root, "out", ".offline"), name).CombinedOutput()
	if err != nil {
		t.Skipf("the package %s cannot be made of Debian's: %v: %s", name, err, out)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	keys, err := filepath.Glob(filepath.Join(dir, "*.pub"))
	require.NoError(t, err)
	require.Len(t, keys, 1)
	return apkRepository{url: server.URL, key: keys[0]}
}

// withPackages has a request find packages in the repository, too.
func (b build) withPackages(t *testing.T, from apkRepository) build {
	t.Helper()
	env := shared.Env(t)
	keys := t.TempDir()
	for _, file := range []string{from.key, env.Fixtures.APKKey()} {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(keys, filepath.Base(file)), content, 0o644))
	}
	b.NamedContexts = map[string]string{"apk-keys": keys}
	b.BuildArgs = map[string]string{"APK_REPOSITORIES": env.Fixtures.APKRepository() + " " + from.url}
	return b
}
