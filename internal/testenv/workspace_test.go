package testenv

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A folder of sockets is in the workspace as long as their paths fit, and goes with it wherever
// it is, also if whoever made it was killed.
func TestTmpDir(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	parent := t.TempDir()
	for longest, fits := range map[int]bool{1: true, maxSocketPath: false} {
		for _, killed := range []bool{false, true} {
			w, err := newWorkspace(parent)
			require.NoError(t, err)
			tmp, err := w.tmpDir(longest)
			require.NoError(t, err)
			require.DirExists(t, tmp)
			require.Equal(t, fits, filepath.Dir(tmp) == w.dir)
			if killed {
				require.NoError(t, w.lock.Close())
				require.NoError(t, removeAbandoned(parent))
			} else {
				require.NoError(t, w.Close())
			}
			require.NoDirExists(t, tmp)
			require.NoDirExists(t, w.dir)
		}
	}
}
