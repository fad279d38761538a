package leftovers_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/leftovers"
)

func TestProcesses(t *testing.T) {
	require.NoError(t, leftovers.Adopt())
	// The shell ends at once, and its child does not.
	out, err := exec.Command("sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!").Output()
	require.NoError(t, err)
	pid := strings.TrimSpace(string(out))
	left, err := leftovers.Processes(0)
	require.NoError(t, err)
	require.Equal(t, []string{pid + " sleep 60"}, left)

	require.NoError(t, exec.Command("kill", pid).Run())
	left, err = leftovers.Processes(time.Minute)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestSnapshot(t *testing.T) {
	dir := t.TempDir()
	write := func(name string) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, nil, 0o644))
	}
	take := func() leftovers.Snapshot {
		s, err := leftovers.Take(2, dir, filepath.Join(dir, "absent"))
		require.NoError(t, err)
		return s
	}
	write("old")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "old-folder"), 0o755))
	before := take()
	write("new")
	write("cache-1/entry")
	write("old-folder/two/too deep")
	write("new-folder/entry")
	require.Equal(t, []string{
		"file " + dir + "/new", "file " + dir + "/new-folder", "file " + dir + "/old-folder/two",
	}, take().Since(before, filepath.Join(dir, "cache-*")))
}
