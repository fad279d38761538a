package standin

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// pythonVersion is that of the interpreter, as X.Y.Z.
func (m *maker) pythonVersion() string { return upstreamVersion(m.packages["python3.13"].Version) }

// python lays the interpreter out below root/usr/local as CPython's own `make
// install` does, and as the official image has it.
func (m *maker) python(root string) error {
	lib := filepath.Join(root, "usr/local/lib/python"+pythonXY)
	for _, deb := range pythonDebs {
		from := filepath.Join(m.deb(deb), "usr/lib/python"+pythonXY)
		if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := overlay(from, lib); err != nil {
			return err
		}
	}
	steps := []func() error{
		func() error { return prune(lib) },
		func() error { return undoDebian(lib, m.triplet()) },
		func() error { return m.executables(root) },
		func() error { return m.pip(root, lib) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("python: %w", err)
		}
	}
	return nil
}

// overlay copies a folder over another.
func overlay(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if _, err := os.Lstat(target); err == nil {
			return nil
		}
		return copyTree(path, target)
	})
}

// prune removes what is Debian's own, and the tests, which the official image
// removes too.
func prune(lib string) error {
	remove := []string{
		"EXTERNALLY-MANAGED", "sitecustomize.py", "_distutils_system_mod.py", "dist-packages",
	}
	// Debian's second name of the build settings.
	settings, err := filepath.Glob(filepath.Join(lib, "_sysconfigdata__[^l]*"))
	if err != nil {
		return err
	}
	for _, path := range settings {
		remove = append(remove, filepath.Base(path))
	}
	for _, name := range remove {
		if err := os.RemoveAll(filepath.Join(lib, name)); err != nil {
			return err
		}
	}
	return filepath.WalkDir(lib, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		switch entry.Name() {
		case "test", "tests", "idle_test", "__pycache__":
			if err := os.RemoveAll(path); err != nil {
				return err
			}
			return fs.SkipDir
		}
		return nil
	})
}

// executables installs the interpreter and what comes with it.
func (m *maker) executables(root string) error {
	binary, err := os.ReadFile(filepath.Join(m.deb("python3.13-minimal"), "usr/bin/python"+pythonXY))
	if err != nil {
		return err
	}
	if err := thawSite(binary); err != nil {
		return err
	}
	shared := "libpython" + pythonXY + ".so"
	library := filepath.Join(m.deb("libpython3.13"), "usr/lib", m.triplet(), shared+".1.0")
	if err := copyTree(library, filepath.Join(root, "usr/local/lib", shared+".1.0")); err != nil {
		return err
	}
	pydoc := "#!/usr/local/bin/python" + pythonXY + "\nimport pydoc\npydoc.cli()\n"
	idle := "#!/usr/local/bin/python" + pythonXY + "\nfrom idlelib.pyshell import main\nmain()\n"
	bin := "usr/local/bin/"
	return errors.Join(
		symlink(root, "usr/local/lib/"+shared, shared+".1.0"),
		write(root, bin+"python"+pythonXY, string(binary), 0o755),
		symlink(root, bin+"python3", "python"+pythonXY),
		symlink(root, bin+"python", "python3"),
		write(root, bin+"pydoc"+pythonXY, pydoc, 0o755),
		symlink(root, bin+"pydoc3", "pydoc"+pythonXY),
		symlink(root, bin+"pydoc", "pydoc3"),
		write(root, bin+"idle"+pythonXY, idle, 0o755),
		symlink(root, bin+"idle3", "idle"+pythonXY),
		symlink(root, bin+"idle", "idle3"),
	)
}

// pip gives ensurepip its wheel, and installs it as ensurepip would.
func (m *maker) pip(root, lib string) error {
	wheels, err := filepath.Glob(filepath.Join(m.deb("python3-pip-whl"), "usr/share/python-wheels/pip-*.whl"))
	if err != nil || len(wheels) != 1 {
		return errors.Join(fmt.Errorf("python3-pip-whl has %d wheels of pip, expected one", len(wheels)), err)
	}
	if err := copyTree(wheels[0], filepath.Join(lib, "ensurepip/_bundled", filepath.Base(wheels[0]))); err != nil {
		return err
	}
	if err := bundledPip(lib, strings.Split(filepath.Base(wheels[0]), "-")[1]); err != nil {
		return err
	}
	packages := filepath.Join(lib, "site-packages")
	if err := unzip(wheels[0], packages); err != nil {
		return err
	}
	infos, err := filepath.Glob(filepath.Join(packages, "pip-*.dist-info"))
	if err != nil || len(infos) != 1 {
		return errors.Join(errors.New("the wheel of pip has no dist-info"), err)
	}
	script := "#!/usr/local/bin/python" + pythonXY + `
import sys

from pip._internal.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
`
	record, err := os.OpenFile(filepath.Join(infos[0], "RECORD"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range []string{"pip", "pip3", "pip" + pythonXY} {
		_, err := fmt.Fprintf(record, "../../../bin/%s,,\n", name)
		errs = append(errs, err, write(root, "usr/local/bin/"+name, script, 0o755))
	}
	_, err = fmt.Fprintf(record, "%s/INSTALLER,,\n", filepath.Base(infos[0]))
	errs = append(errs, err, record.Close(), write(infos[0], "INSTALLER", "pip\n", 0o644))
	return errors.Join(errs...)
}

// unzip unpacks a wheel.
func unzip(path, dir string) error {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer archive.Close()
	for _, entry := range archive.File {
		if strings.HasSuffix(entry.Name, "/") {
			continue
		}
		if !filepath.IsLocal(entry.Name) {
			return fmt.Errorf("%s: %s leads out of it", path, entry.Name)
		}
		file, err := entry.Open()
		if err != nil {
			return err
		}
		content, err := io.ReadAll(file)
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
		if err := write(dir, entry.Name, string(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// rundeps are the libraries that the interpreter and its extensions are linked
// with. As in the official image, those of tkinter are left out.
func rundeps(root string) ([]string, error) {
	linked, err := scan(root, func(name string) bool { return strings.HasPrefix(name, "_tkinter") })
	return linked.depends(), err
}
