// Package standin makes a folder that stands in for a container registry, an
// Alpine mirror and a Python package index, from packages of the Debian archive.
package standin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	goapk "github.com/chainguard-dev/go-apk/pkg/apk"

	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/apk"
	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/apkfile"
	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/debian"
)

// maker makes what there is for one architecture.
type maker struct {
	ctx    context.Context //nolint:containedctx // lives as long as the run
	module string          // the folder of this Go module
	cache  string          // kept between runs
	work   string          // for this run
	out    string          // what is made
	apks   string          // the repository of apk packages, with a folder for each architecture
	arch   string          // as Go and Debian call it
	key    apkfile.Key

	packages map[string]debian.Package
}

// deb is the folder of an unpacked Debian package.
func (m *maker) deb(name string) string { return filepath.Join(m.work, m.arch, "deb", name) }

// triplet is the name of the architecture in Debian's paths.
func (m *maker) triplet() string {
	return map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[m.arch]
}

// loader is where programs look for the dynamic loader.
func (m *maker) loader() string {
	return map[string]string{"amd64": "lib64/ld-linux-x86-64.so.2", "arm64": "lib/ld-linux-aarch64.so.1"}[m.arch]
}

// debs are the Debian packages that all is made of.
func debs() []string {
	all := slices.Concat(pythonDebs, wheelDebs, wheelhouses)
	for _, library := range libraries {
		all = append(all, library.debs...)
	}
	for _, r := range recipes {
		all = append(all, r.debs()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// fetch downloads and unpacks Debian packages.
func (m *maker) fetch(names []string) error {
	archive, err := debian.Open(m.ctx, filepath.Join(m.cache, "apt-"+m.arch), suite, m.arch)
	if err != nil {
		return err
	}
	if m.packages, err = archive.Download(m.ctx, names); err != nil {
		return err
	}
	for name, p := range m.packages {
		if err := p.Unpack(m.deb(name)); err != nil {
			return err
		}
	}
	return nil
}

// build compiles one of this module's programs, statically.
func (m *maker) build(program, path string) error {
	command := exec.CommandContext(m.ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", path, "./cmd/"+program)
	command.Dir = m.module
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+m.arch)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("compiling %s: %w\n%s", program, err, out)
	}
	return nil
}

// repository is the folder of the apk packages.
func (m *maker) repository() string { return filepath.Join(m.apks, apk.Arch(m.arch)) }

// repackage makes the apk repository.
func (m *maker) repackage(recipes []recipe, description string) error {
	if err := os.MkdirAll(m.repository(), 0o755); err != nil {
		return err
	}
	var entries []*goapk.Package
	for _, r := range recipes {
		entry, err := m.cook(r)
		if err != nil {
			return err
		}
		entries = append(entries, entry)
	}
	return apkfile.WriteIndex(m.ctx, m.repository(), description, entries, m.key)
}

func (m *maker) libraryRecipes() []recipe {
	var all []recipe
	for _, library := range libraries {
		patterns := library.only
		if len(patterns) == 0 {
			patterns = []string{"*.so*"}
		}
		all = append(all, recipe{
			Package: apkfile.Package{
				Name: library.name, Description: "Shared libraries of Debian's " + library.debs[0],
				License: "see Debian's " + library.debs[0], Depends: library.loads,
			},
			deb:  library.debs[0],
			make: func(m *maker, root string) error { return m.copyLibraries(root, library.debs, patterns) },
		})
	}
	return all
}

// copyLibraries copies shared libraries to where Alpine has them.
func (m *maker) copyLibraries(root string, debs, patterns []string) error {
	for _, deb := range debs {
		// The locale C.UTF-8 is no part of glibc's library, but of musl's.
		locale := "usr/lib/locale/C.utf8"
		if _, err := os.Stat(filepath.Join(m.deb(deb), locale)); err == nil {
			if err := copyTree(filepath.Join(m.deb(deb), locale), filepath.Join(root, locale)); err != nil {
				return err
			}
		}
		paths, err := m.libraries(deb, patterns)
		if err != nil {
			return err
		}
		for _, path := range paths {
			to := filepath.Join("usr/lib", filepath.Base(path))
			if filepath.Base(path) == filepath.Base(m.loader()) {
				to = m.loader()
			}
			if err := copyTree(path, filepath.Join(root, to)); err != nil {
				return err
			}
		}
	}
	return nil
}

// libraries are the shared libraries of a Debian package that match the patterns.
func (m *maker) libraries(deb string, patterns []string) ([]string, error) {
	var all []string
	for _, pattern := range patterns {
		paths, err := filepath.Glob(filepath.Join(m.deb(deb), "usr/lib", m.triplet(), pattern))
		if err != nil {
			return nil, err
		}
		all = append(all, paths...)
	}
	return all, nil
}

// cook makes one package.
func (m *maker) cook(r recipe) (*goapk.Package, error) {
	root := filepath.Join(m.work, m.arch, "apk", r.Name)
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	for from, to := range r.files {
		if err := copyTree(filepath.Join(m.deb(r.deb), from), filepath.Join(root, to)); err != nil {
			return nil, fmt.Errorf("%s: %w", r.Name, err)
		}
	}
	if r.make != nil {
		if err := r.make(m, root); err != nil {
			return nil, fmt.Errorf("%s: %w", r.Name, err)
		}
	}
	p := r.Package
	p.Origin = r.Name
	if p.Version == "" {
		p.Version = apkVersion(m.packages[r.deb].Version)
	}
	p.URL = "https://www.debian.org"
	linked, err := r.linkage(root)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Name, err)
	}
	p.Depends = slices.Concat(p.Depends, linked.depends())
	p.Provides = slices.Concat(p.Provides, linked.provides(), commands(root, p.Version))
	return p.Write(m.ctx, root, m.repository(), apk.Arch(m.arch), m.key)
}

// linkage is what the package needs of others and gives to them.
func (r recipe) linkage(root string) (linkage, error) {
	linked, err := scan(root, nil)
	if err != nil || r.private == nil {
		return linked, err
	}
	if missing := linked.depends(); missing != nil {
		return linkage{}, fmt.Errorf("%v have no %s", r.private, strings.Join(missing, ", "))
	}
	return linkage{}, nil
}

// commands are the programs of a package, as it provides them.
func commands(root, version string) []string {
	var words []string
	for _, dir := range []string{"bin", "sbin", "usr/bin", "usr/sbin"} {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil {
			continue
		}
		for _, entry := range entries {
			if entry.Type().IsRegular() {
				words = append(words, "cmd:"+entry.Name()+"="+version)
			}
		}
	}
	return words
}

// copyTree copies a file, a link or a folder.
func copyTree(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	switch {
	case info.IsDir():
		return copyFolder(from, to)
	case info.Mode().Type() == fs.ModeSymlink:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(to, content, info.Mode().Perm()), os.Chmod(to, info.Mode().Perm()))
}

func copyFolder(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := copyTree(filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}
