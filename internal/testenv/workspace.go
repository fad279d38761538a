package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/v2/core/mount"
	"golang.org/x/sys/unix"
)

// workspace is a temporary folder with mounts and containers, in use for as long
// as its lock is held. The kernel drops the lock with the process, so what a
// killed process left is known to be garbage and the next one clears it away.
type workspace struct {
	dir  string
	lock *os.File
}

const (
	workspacePrefix = "env"
	lockName        = "lock"
	// runcRoot, below a workspace, is where runc keeps the state of containers.
	runcRoot = "runc"
	// daemonRoot, below a workspace, is buildkitd's root.
	daemonRoot = "buildkit"
	// tmpName, below a workspace, is the folder of its sockets, or a link to it.
	tmpName = "tmp"

	// maxSocketPath is what fits into a sockaddr_un on Linux.
	maxSocketPath = 107
)

// defaultParent, below the repository's root, is where workspaces are made. The go
// command passes over folders that begin with an underscore, so `./...` does not
// look into the file systems of daemons and containers.
const defaultParent = "out/_testenv"

// newWorkspace makes a workspace below parent, which defaults to defaultParent.
func newWorkspace(parent string) (*workspace, error) {
	if parent == "" {
		root, err := RepoRoot()
		if err != nil {
			return nil, err
		}
		parent = filepath.Join(root, defaultParent)
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	// One at a time: a folder that is made but not yet locked looks like garbage.
	guard, err := lockFile(filepath.Join(parent, lockName), unix.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer guard.Close()
	if err := removeAbandoned(parent); err != nil {
		return nil, fmt.Errorf("clearing abandoned workspaces away: %w", err)
	}
	dir, err := os.MkdirTemp(parent, workspacePrefix)
	if err != nil {
		return nil, err
	}
	// Containers run as other users than root get at their root file system.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := lockFile(filepath.Join(dir, lockName), unix.LOCK_EX|unix.LOCK_NB)
	if err != nil {
		return nil, err
	}
	return &workspace{dir: dir, lock: lock}, nil
}

// mkdir makes a folder of the workspace.
func (w *workspace) mkdir(name string) (string, error) {
	dir := filepath.Join(w.dir, name)
	return dir, os.MkdirAll(dir, 0o755)
}

// mkdirTemp makes a folder of the workspace with a new name.
func (w *workspace) mkdirTemp(parent, pattern string) (string, error) {
	dir, err := w.mkdir(parent)
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp(dir, pattern); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// tmpDir makes a folder for sockets whose names below it have up to longest bytes: in the
// workspace, if their paths are not too long there.
func (w *workspace) tmpDir(longest int) (string, error) {
	if len(filepath.Join(w.dir, tmpName))+len("/")+longest <= maxSocketPath {
		return w.mkdir(tmpName)
	}
	return w.shortDir()
}

// shortDir makes a folder with a short path. A link in the workspace leads to it, and so who
// removes the workspace removes it too.
func (w *workspace) shortDir() (string, error) {
	dir, err := os.MkdirTemp("", "distroless")
	if err != nil {
		return "", err
	}
	return dir, os.Symlink(dir, filepath.Join(w.dir, tmpName))
}

// Close removes the workspace with all that is mounted or runs in it.
func (w *workspace) Close() error {
	defer w.lock.Close()
	return removeWorkspace(w.dir)
}

func removeAbandoned(parent string) error {
	dirs, err := filepath.Glob(filepath.Join(parent, workspacePrefix+"*"))
	if err != nil {
		return err
	}
	var errs []error
	for _, dir := range dirs {
		if inUse(filepath.Join(dir, lockName)) || inUse(filepath.Join(dir, daemonRoot, "buildkitd.lock")) {
			continue
		}
		errs = append(errs, removeWorkspace(dir))
	}
	return errors.Join(errs...)
}

func removeWorkspace(dir string) error {
	if err := deleteContainers(filepath.Join(dir, runcRoot)); err != nil {
		return err
	}
	if tmp, err := os.Readlink(filepath.Join(dir, tmpName)); err == nil {
		if err := removeTree(tmp); err != nil {
			return err
		}
	}
	return removeTree(dir)
}

// removeTree removes a folder with all that is mounted in it.
func removeTree(dir string) error {
	if err := mount.UnmountRecursive(dir, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmounting what is below %s: %w", dir, err)
	}
	return os.RemoveAll(dir)
}

// deleteContainers kills the containers whose state runc keeps in root.
func deleteContainers(root string) error {
	if _, err := os.Stat(root); err != nil {
		return nil
	}
	runc, err := Binary("runc")
	if err != nil {
		return err
	}
	ids, err := exec.Command(runc, "--root", root, "list", "--quiet").Output()
	if err != nil {
		return fmt.Errorf("listing the containers in %s: %w", root, err)
	}
	var errs []error
	for _, id := range strings.Fields(string(ids)) {
		if out, err := exec.Command(runc, "--root", root, "delete", "--force", id).CombinedOutput(); err != nil {
			errs = append(errs, fmt.Errorf("deleting container %s: %w: %s", id, err, out))
		}
	}
	return errors.Join(errs...)
}

func lockFile(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), how); err != nil {
		f.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return f, nil
}

// inUse tells whether somebody holds the lock on path.
func inUse(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil
}
