package testenv

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	modulePath = "github.com/autumnjolitz/distroless-frontend"

	// fixturesEnv names the folder of fixtures; relative to the repository's root.
	fixturesEnv = "DISTROLESS_FIXTURES"
)

// defaultFixtures are the folders tried without fixturesEnv: real Alpine first, from fixtures
// or from a registry, then the stand-in that `make offline` makes.
var defaultFixtures = []string{"../shared/fixtures", "out/online", "out/offline"}

// onlineFailure, below the repository's root, says why there is no out/online.
const onlineFailure = "out/.online"

// RepoRoot returns the folder of the module's go.mod, seen from the working
// directory: `go test` runs every package's tests in the package's own folder.
func RepoRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && isModule(mod, modulePath) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod of %s in the working directory or above", modulePath)
		}
		dir = parent
	}
}

func isModule(mod []byte, path string) bool {
	for line := range strings.Lines(string(mod)) {
		if fields := strings.Fields(line); len(fields) == 2 && fields[0] == "module" {
			return fields[1] == path
		}
	}
	return false
}

// FixturesDir returns the folder of fixtures: $DISTROLESS_FIXTURES, or the first
// default that is there. It fails when the folder lacks the base image.
func FixturesDir() (string, error) {
	root, err := RepoRoot()
	if err != nil {
		return "", err
	}
	candidates := defaultFixtures
	if dir := os.Getenv(fixturesEnv); dir != "" {
		candidates = []string{dir}
	}
	for _, dir := range candidates {
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(root, dir)
		}
		if _, err = os.Stat(filepath.Join(dir, baseLayout, "index.json")); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("no fixtures in %s (set %s, or run `make offline`): %w", strings.Join(candidates, " or "), fixturesEnv, err)
}

// Binary finds a tool: first what `make setup` built into out/bin, then $PATH,
// then the folders for administrators that an unprivileged $PATH leaves out.
func Binary(name string) (string, error) {
	root, err := RepoRoot()
	if err != nil {
		return "", err
	}
	for _, candidate := range []string{
		filepath.Join(root, "out", "bin", name),
		name,
		filepath.Join("/usr/local/sbin", name),
		filepath.Join("/usr/sbin", name),
	} {
		path, err := exec.LookPath(candidate)
		if err == nil {
			return filepath.Abs(path)
		}
		if !errors.Is(err, exec.ErrNotFound) && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("%s is neither in out/bin nor on PATH: run `make setup`", name)
}
