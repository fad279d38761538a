package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The ids that stand for those of an unprivileged user: root of the namespace is the first,
// and none of them owns anything on this machine.
const (
	unprivilegedID  = 1 << 20
	unprivilegedIDs = 1 << 16
)

// RunUnprivileged runs tests of this package again, those that pattern matches, as somebody
// who is root in a user namespace and nobody outside: what rootlesskit or `unshare
// --map-root-user` make of a user. It returns what they print with -test.v.
func RunUnprivileged(tb testing.TB, pattern string) (output string, err error) {
	tb.Helper()
	Require(tb)
	if Rootless() {
		tb.Skip("all tests run in a user namespace here")
	}
	u, err := newUnprivileged()
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(u.dir)) }()
	return u.run(tb.Context(), pattern)
}

// unprivileged is a folder in which one without privileges finds what tests need, wherever
// on this machine the repository is and whoever may look into it.
type unprivileged struct {
	dir      string
	program  string // this test's binary
	repo     string
	pkg      string // folder of the package, below the repository
	fixtures string
	work     string // theirs to write to
}

func newUnprivileged() (*unprivileged, error) {
	dir, err := os.MkdirTemp(publicTempDir(), "rootless")
	if err != nil {
		return nil, err
	}
	u := &unprivileged{
		dir:      dir,
		program:  filepath.Join(dir, "test"),
		repo:     filepath.Join(dir, "repo"),
		fixtures: filepath.Join(dir, "fixtures"),
		work:     filepath.Join(dir, "work"),
	}
	return u, errors.Join(
		os.Chmod(dir, 0o755),
		os.WriteFile(u.program, nil, 0o755),
		os.Mkdir(u.repo, 0o755),
		os.Mkdir(u.fixtures, 0o755),
		os.Mkdir(u.work, 0o755),
		os.Chown(u.work, unprivilegedID, unprivilegedID),
	)
}

// publicTempDir is the folder for temporary files, or the system's if that one is root's alone.
func publicTempDir() string {
	for dir := os.TempDir(); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return "/tmp"
		}
		if dir == filepath.Dir(dir) {
			return os.TempDir()
		}
	}
}

// run has a thread of its own, which ends with it and takes its mounts along.
func (u *unprivileged) run(ctx context.Context, pattern string) (output string, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlock: the thread has another mount namespace
		if err = u.mount(); err != nil {
			return
		}
		var out []byte
		out, err = u.command(ctx, pattern).CombinedOutput()
		output = string(out)
	}()
	<-done
	return output, err
}

func (u *unprivileged) mount() error {
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("mount namespace: %w", err)
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	root, err := RepoRoot()
	if err != nil {
		return err
	}
	fixtures, err := FixturesDir()
	if err != nil {
		return err
	}
	wd, err := os.Getwd()
	if err != nil {
		return err
	}
	if u.pkg, err = filepath.Rel(root, wd); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(root, defaultParent), 0o755); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	for _, bind := range [][2]string{
		{program, u.program}, {root, u.repo}, {fixtures, u.fixtures}, {u.work, filepath.Join(u.repo, defaultParent)},
	} {
		if err := unix.Mount(bind[0], bind[1], "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind %s to %s: %w", bind[0], bind[1], err)
		}
	}
	return nil
}

func (u *unprivileged) command(ctx context.Context, pattern string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, u.program, "-test.v", "-test.run", pattern)
	cmd.Dir = filepath.Join(u.repo, u.pkg)
	cmd.Env = append(os.Environ(), "PWD="+cmd.Dir, fixturesEnv+"="+u.fixtures, "TMPDIR="+u.work, "HOME="+u.work)
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: unprivilegedID, Size: unprivilegedIDs}}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: ids,
		GidMappings: ids,
		Credential:  &syscall.Credential{},
	}
	return cmd
}
