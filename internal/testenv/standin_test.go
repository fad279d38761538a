package testenv_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// Dockerfile.frontend builds as it is on the Go image that `make offline` makes.
func TestIntegrationDockerfileFrontend(t *testing.T) {
	env := shared.Env(t)
	env.RequireGolang(t)
	root, err := testenv.RepoRoot()
	require.NoError(t, err)
	dir := t.TempDir()
	for _, name := range []string{"Dockerfile.frontend", "go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o644))
	}
	for _, name := range []string{"cmd", "frontend", "lint", "llb", "spec", "internal"} {
		require.NoError(t, os.CopyFS(filepath.Join(dir, name), os.DirFS(filepath.Join(root, name))))
	}
	res, err := env.Build(t.Context(), testenv.BuildRequest{Dir: dir, Dockerfile: "Dockerfile.frontend"})
	require.NoError(t, err, "%s", res.Log())
	require.Equal(t, []string{"/frontend"}, res.Image.Config.Config.Entrypoint)
}
