package standin

import (
	"context"
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
