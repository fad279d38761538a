package standin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/apkfile"
)

// extras are packages that neither the fixtures nor the stand-in have. They run whatever the
// C library of the base image is.
var extras = []recipe{
	{
		Package: apkfile.Package{Name: "tini", Description: "A tiny but valid init for containers", License: "MIT"},
		deb:     "tini",
		files:   map[string]string{"usr/bin/tini-static": "sbin/tini"},
	},
	{
		Package: apkfile.Package{
			Name: "git", Description: "Distributed version control system, without what needs curl", License: "GPL-2.0-only",
			Depends: []string{"/bin/sh"},
		},
		deb:     "git",
		files:   map[string]string{"usr/bin/git": gitHome + "/git"},
		make:    (*maker).git,
		private: gitLibraries,
	},
}

// gitLibraries are the Debian packages of the libraries that git is linked to.
var gitLibraries = []string{"libc6", "libpcre2-8-0", "zlib1g"}

// gitHome is where all of git is but the command.
const gitHome = "usr/lib/git-of-debian"

// gitCommand runs git with the libraries it comes with. Without templates a clone has no hooks.
const gitCommand = `#!/bin/sh
set -eu

home=/%s
# What git runs of itself it looks for in this folder first, by the name git.
export GIT_EXEC_PATH="$home/core" GIT_TEMPLATE_DIR=
exec "$home/lib/%s" --library-path "$home/lib" "$home/git" "$@"
`

// git puts the command of git in place, and the C library that its program is linked to, of
// which the image may have another.
func (m *maker) git(root string) error {
	loader := filepath.Base(m.loader())
	for _, deb := range gitLibraries {
		paths, err := m.libraries(deb, []string{loader, "libc.so.*", "libpcre2-8.so.*", "libz.so.*"})
		if err != nil {
			return err
		}
		for _, path := range paths {
			if err := copyTree(path, filepath.Join(root, gitHome, "lib", filepath.Base(path))); err != nil {
				return err
			}
		}
	}
	return errors.Join(
		write(root, "usr/bin/git", fmt.Sprintf(gitCommand, gitHome, loader), 0o755),
		symlink(root, gitHome+"/core/git", "/usr/bin/git"),
	)
}

// MakePackage makes a repository in out that has one of these for this machine. Its key is
// beside it.
func MakePackage(ctx context.Context, name, out, cache string) error {
	i := slices.IndexFunc(extras, func(r recipe) bool { return r.Name == name })
	if i < 0 {
		return fmt.Errorf("nothing says how to make the package %q", name)
	}
	work, err := os.MkdirTemp("", name+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	key, err := apkfile.LoadKey(filepath.Join(out, name+"@distroless.rsa"))
	if err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	// The cache is its own: at the same time, another may be made with the same.
	m := &maker{ctx: ctx, cache: filepath.Join(cache, name), work: work, apks: out, arch: runtime.GOARCH, key: key}
	if m.triplet() == "" {
		return fmt.Errorf("there is no base image for %s", m.arch)
	}
	if err := m.fetch(extras[i].debs()); err != nil {
		return err
	}
	return m.repackage(extras[i:i+1], name)
}
