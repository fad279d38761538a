package standin

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	goapk "github.com/chainguard-dev/go-apk/pkg/apk"

	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/apkfile"
	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/debian"
)

// MakeTini makes a repository in out that has one package for this machine: tini as Alpine's
// community repository has it, but with Debian's static program. Its key is beside it.
func MakeTini(ctx context.Context, out, cache string) error {
	arch, ok := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("there is no base image for %s", runtime.GOARCH)
	}
	archive, err := debian.Open(ctx, filepath.Join(cache, "apt-tini-"+runtime.GOARCH), suite, runtime.GOARCH)
	if err != nil {
		return err
	}
	found, err := archive.Download(ctx, []string{"tini"})
	if err != nil {
		return err
	}
	deb := found["tini"]
	unpacked, err := os.MkdirTemp("", "tini-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(unpacked)
	if err := deb.Unpack(filepath.Join(unpacked, "debian")); err != nil {
		return err
	}
	root, dir := filepath.Join(unpacked, "root"), filepath.Join(out, arch)
	for _, folder := range []string{filepath.Join(root, "sbin"), dir} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	if err := os.Rename(filepath.Join(unpacked, "debian", "usr/bin/tini-static"), filepath.Join(root, "sbin/tini")); err != nil {
		return err
	}
	key, err := apkfile.LoadKey(filepath.Join(out, "tini@distroless.rsa"))
	if err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	version, _, _ := strings.Cut(deb.Version, "-")
	pkg := apkfile.Package{
		Name: "tini", Version: version + "-r0", Description: "A tiny but valid init for containers",
		License: "MIT", URL: "https://github.com/krallin/tini", Origin: "tini",
	}
	entry, err := pkg.Write(ctx, root, dir, arch, key)
	if err != nil {
		return err
	}
	return apkfile.WriteIndex(ctx, dir, "tini", []*goapk.Package{entry}, key)
}
