package apk

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

const execDir = "lib/apk/exec"

// runScript runs a package's script in the root, as apk does: from a file in the
// root, by chroot, with nothing but PATH in its environment.
func (t *transaction) runScript(p *installed, kind string, content []byte, args ...string) {
	if content == nil || t.options.flag("no-scripts") {
		return
	}
	name := fmt.Sprintf("%s-%s.%s", p.Name, p.Version, kind)
	t.say("Executing %s", name)
	if err := t.execute(name, content, args); err != nil {
		t.fail("%s: %v", name, err)
		if !strings.Contains(p.flags, "s") {
			p.flags += "s"
		}
	}
}

func (t *transaction) execute(name string, content []byte, args []string) error {
	dir := filepath.Join(t.db.root, execDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o755); err != nil {
		return err
	}
	defer os.Remove(path)
	inRoot := execDir + "/" + name
	command := &exec.Cmd{
		Path:        inRoot,
		Args:        append([]string{inRoot}, args...),
		Env:         []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
		Dir:         "/",
		Stdout:      t.stdout,
		Stderr:      t.stderr,
		SysProcAttr: &syscall.SysProcAttr{Chroot: t.db.root},
	}
	err := command.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit) && exit.Exited():
		return fmt.Errorf("script exited with error %d", exit.ExitCode())
	case errors.As(err, &exit):
		return fmt.Errorf("script terminated by signal %d", exit.Sys().(syscall.WaitStatus).Signal())
	}
	return errors.New("script exited with error 127") // no interpreter
}

// runTriggers runs the triggers of all packages that watch a directory in which
// this transaction changed something; those of new packages see all directories.
func (t *transaction) runTriggers() {
	dirs := t.directories()
	for _, p := range t.db.packages {
		var matched []string
		for _, dir := range dirs {
			if (t.touched[dir] || t.fresh[p.Name]) && watches(t.db.triggers[p.ChecksumString()], dir) {
				matched = append(matched, "/"+dir)
			}
		}
		if len(matched) > 0 {
			t.runScript(p, "trigger", t.db.script(p, "trigger"), matched...)
		}
	}
}

// directories are those that any package has.
func (t *transaction) directories() []string {
	seen := map[string]bool{}
	for _, p := range t.db.packages {
		p.paths(func(path string, dir bool, _ string) {
			if dir {
				seen[path] = true
			}
		})
	}
	for dir := range t.touched {
		seen[dir] = true
	}
	var dirs []string
	for dir := range seen {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	return dirs
}

func watches(globs []string, dir string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		matched, err := filepath.Match(glob, "/"+dir)
		return err == nil && matched
	})
}

// script returns an installed package's script, or nil.
func (db *database) script(p *installed, kind string) []byte {
	name := scriptPrefix(p.Package) + kind
	for _, s := range db.scripts {
		if s.name == name {
			return s.content
		}
	}
	return nil
}
