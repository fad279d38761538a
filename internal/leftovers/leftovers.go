// Package leftovers finds what a command left behind on this machine: processes, mounts and
// files.
package leftovers

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// Adopt has the kernel make this process the parent of all below it whose own parent ends.
func Adopt() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become the parent of orphans: %w", err)
	}
	return nil
}

// Processes returns the command lines of this process's children, once those that are about
// to end have done so or grace is over. Zombies count as ended, and are waited for: so nobody
// else in this process may wait for a child by then.
func Processes(grace time.Duration) ([]string, error) {
	for deadline := time.Now().Add(grace); ; time.Sleep(50 * time.Millisecond) {
		reap()
		left, err := children()
		if err != nil || len(left) == 0 || time.Now().After(deadline) {
			return left, err
		}
	}
}

func reap() {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		if pid <= 0 && !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

func children() ([]string, error) {
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		return nil, err
	}
	var left []string
	for _, list := range lists {
		pids, err := os.ReadFile(list)
		if err != nil {
			continue // the thread is gone, and its children are another's
		}
		for _, pid := range strings.Fields(string(pids)) {
			left = append(left, pid+" "+commandLine(pid))
		}
	}
	slices.Sort(left)
	return left, nil
}

func commandLine(pid string) string {
	text, err := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
	if err != nil || len(text) == 0 {
		return "(ended)"
	}
	return string(bytes.TrimSpace(bytes.ReplaceAll(text, []byte{0}, []byte{' '})))
}

// A Snapshot is what there is at one time: names of mounts and files.
type Snapshot map[string]bool

// Take notes all mounts and, of each folder, the names in it and in its folders down to
// depth; one that is not there has none.
func Take(depth int, folders ...string) (Snapshot, error) {
	s := Snapshot{}
	mounts, err := mountinfo.GetMounts(nil)
	if err != nil {
		return nil, fmt.Errorf("list the mounts: %w", err)
	}
	for _, m := range mounts {
		s["mount "+m.Mountpoint+" ("+m.FSType+", "+strconv.Itoa(m.ID)+")"] = true
	}
	for _, folder := range folders {
		if err := s.folder(folder, depth); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s Snapshot) folder(folder string, depth int) error {
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list the files: %w", err)
		}
		if path == folder {
			return nil
		}
		s["file "+path] = true
		below, err := filepath.Rel(folder, path)
		if err == nil && entry.IsDir() && strings.Count(below, string(filepath.Separator))+1 >= depth {
			return filepath.SkipDir
		}
		return err
	})
}

// Since returns what is in s and was not in before, in order: of a new folder, not what is in
// it. Patterns of filepath.Match tell the paths to ignore, with all below them.
func (s Snapshot) Since(before Snapshot, ignore ...string) []string {
	var found []string
	for name := range s {
		if before[name] || isNew(filepath.Dir(name), s, before) || ignored(name, ignore) {
			continue
		}
		found = append(found, name)
	}
	slices.Sort(found)
	return found
}

func isNew(name string, s, before Snapshot) bool { return s[name] && !before[name] }

func ignored(name string, patterns []string) bool {
	for path := strings.TrimPrefix(name, "file "); path != "." && path != "/"; path = filepath.Dir(path) {
		for _, pattern := range patterns {
			if match, err := filepath.Match(pattern, path); match && err == nil {
				return true
			}
		}
	}
	return false
}
