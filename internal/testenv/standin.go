package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// standInLabel marks the base image that hack/offline makes.
const standInLabel = "distroless.stand-in"

// StandIn says whether the base image is the stand-in that `make offline` makes of
// Debian packages, and not Alpine.
func (e *Env) StandIn() bool { return e.standIn }

// RequireAlpine skips the test, with the reason, where it would run on the stand-in:
// it is for what needs musl, or a package or behaviour that only Alpine has.
func RequireAlpine(tb testing.TB) {
	tb.Helper()
	Require(tb)
	dir, err := FixturesDir()
	if err != nil {
		tb.Skip(err.Error())
	}
	standIn, err := isStandIn(filepath.Join(dir, baseLayout))
	if err != nil {
		tb.Fatalf("reading the base image: %v", err)
	}
	if standIn {
		tb.Skip("needs real Alpine, and the base image here is the stand-in made of Debian packages")
	}
}

// PythonVersion is the base image's, as X.Y.Z.
func (e *Env) PythonVersion() string { return e.pythonVersion }

// isStandIn reads the label of the layout's first image: all of them have it, or none.
func isStandIn(dir string) (bool, error) {
	config, err := layoutConfig(dir)
	if err != nil {
		return false, err
	}
	return config.Labels[standInLabel] == "true", nil
}

// layoutConfig is the configuration of a layout's first image.
func layoutConfig(dir string) (v1.Config, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return v1.Config{}, fmt.Errorf("reading the layout %s: %w", dir, err)
	}
	file, err := firstConfig(index)
	if err != nil {
		return v1.Config{}, fmt.Errorf("reading the layout %s: %w", dir, err)
	}
	return file.Config, nil
}

// describeBase notes what tests have to know of the base image.
func (e *Env) describeBase() error {
	config, err := layoutConfig(e.BaseLayout())
	if err != nil {
		return err
	}
	e.standIn = config.Labels[standInLabel] == "true"
	for _, variable := range config.Env {
		if version, ok := strings.CutPrefix(variable, "PYTHON_VERSION="); ok {
			e.pythonVersion = version
		}
	}
	return nil
}

func firstConfig(index v1.ImageIndex) (*v1.ConfigFile, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	if len(manifest.Manifests) == 0 {
		return nil, fmt.Errorf("it has no image")
	}
	desc := manifest.Manifests[0]
	if desc.MediaType.IsIndex() {
		child, err := index.ImageIndex(desc.Digest)
		if err != nil {
			return nil, err
		}
		return firstConfig(child)
	}
	image, err := index.Image(desc.Digest)
	if err != nil {
		return nil, err
	}
	return image.ConfigFile()
}

// RequireGolang has the daemon reach a Go image under the name Dockerfile.frontend
// uses, or skips the test: `make offline` makes one, real fixtures have none.
func (e *Env) RequireGolang(tb testing.TB) {
	tb.Helper()
	root, err := RepoRoot()
	if err != nil {
		tb.Fatal(err)
	}
	for _, dir := range []string{e.options.Fixtures, filepath.Join(root, "out", "offline")} {
		layouts, err := filepath.Glob(filepath.Join(dir, "golang-*"))
		if err != nil {
			tb.Fatal(err)
		}
		if len(layouts) == 0 {
			continue
		}
		tag := strings.TrimPrefix(filepath.Base(layouts[0]), "golang-")
		if err := e.Registry.PushLayout(tb.Context(), layouts[0], "library/golang:"+tag); err != nil {
			tb.Fatalf("preloading the registry: %v", err)
		}
		return
	}
	tb.Skip("no Go image: `make offline` makes one")
}

// noRegistry says why the base is not one of a registry, if that was tried.
func noRegistry() string {
	root, err := RepoRoot()
	if err != nil {
		return ""
	}
	why, err := os.ReadFile(filepath.Join(root, onlineFailure))
	if err != nil {
		return ""
	}
	return "; of a registry there is none: " + strings.TrimSpace(string(why))
}

// DescribeBase says in a few words what the tests build on.
func DescribeBase() string {
	dir, err := FixturesDir()
	if err != nil {
		return "none: " + err.Error()
	}
	standIn, err := isStandIn(filepath.Join(dir, baseLayout))
	switch {
	case err != nil:
		return "none: " + err.Error()
	case standIn:
		return "a stand-in made of Debian packages, in " + dir + noRegistry()
	}
	return "real Alpine, from " + dir
}
