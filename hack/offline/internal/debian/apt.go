// Package debian gets packages from the Debian archive: apt finds, downloads and
// verifies them, with a configuration of its own, and this unpacks them.
package debian

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// mirrorEnv names the archive to use instead of the one apt is configured with.
const mirrorEnv = "DISTROLESS_DEBIAN_MIRROR"

// defaultMirror is asked where apt is configured with no Debian archive.
const defaultMirror = "http://deb.debian.org/debian"

// keyrings hold the keys of the Debian archive, by their names in the package
// debian-archive-keyring.
var keyrings = []string{
	"/usr/share/keyrings/debian-archive-keyring.pgp",
	"/usr/share/keyrings/debian-archive-keyring.gpg",
}

// Archive is the packages of one suite for one architecture.
type Archive struct {
	dir string // apt's state, and the packages downloaded
}

// Open reads the archive's index. It keeps its state, which is a cache, in dir.
func Open(ctx context.Context, dir, suite, arch string) (*Archive, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	a := &Archive{dir: dir}
	if err := a.configure(ctx, suite, arch); err != nil {
		return nil, fmt.Errorf("configuring apt: %w", err)
	}
	if _, err := a.apt(ctx, "apt-get", "update", "-qq"); err != nil {
		return nil, fmt.Errorf("reading the index of Debian %s: %w", suite, err)
	}
	return a, nil
}

func (a *Archive) configure(ctx context.Context, suite, arch string) error {
	for _, sub := range []string{"lists/partial", "cache/archives/partial", "debs"} {
		if err := os.MkdirAll(filepath.Join(a.dir, sub), 0o755); err != nil {
			return err
		}
	}
	keyring, err := findKeyring()
	if err != nil {
		return err
	}
	sources := fmt.Sprintf("deb [signed-by=%s] %s %s main\n", keyring, mirror(ctx), suite)
	config := fmt.Sprintf(`Dir::Etc::SourceList "%[1]s/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "%[1]s/lists";
Dir::State::Status "/dev/null";
Dir::Cache "%[1]s/cache";
APT::Architecture "%[2]s";
APT::Architectures { "%[2]s"; };
APT::Sandbox::User "";
Acquire::Retries "3";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Debug::NoLocking "1";
`, a.dir, arch)
	return errors.Join(
		os.WriteFile(filepath.Join(a.dir, "sources.list"), []byte(sources), 0o644),
		os.WriteFile(filepath.Join(a.dir, "apt.conf"), []byte(config), 0o644),
	)
}

func findKeyring() (string, error) {
	for _, path := range keyrings {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", errors.New("the keys of the Debian archive are missing: install the package debian-archive-keyring")
}

var releasePattern = regexp.MustCompile(`'(https?://[^']*/debian)/dists/[^']*/InRelease'`)

// mirror is the Debian archive that this machine uses.
func mirror(ctx context.Context) string {
	if url := os.Getenv(mirrorEnv); url != "" {
		return strings.TrimSuffix(url, "/")
	}
	uris, err := exec.CommandContext(ctx, "apt-get", "update", "--print-uris").Output()
	if m := releasePattern.FindSubmatch(uris); err == nil && m != nil {
		return string(m[1])
	}
	return defaultMirror
}

// apt runs one of apt's programs with the private configuration.
func (a *Archive) apt(ctx context.Context, program string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, program, args...)
	command.Dir = filepath.Join(a.dir, "debs")
	command.Env = append(os.Environ(), "APT_CONFIG="+filepath.Join(a.dir, "apt.conf"), "LC_ALL=C")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", program, err, stderr.Bytes())
	}
	return out, nil
}

// Package is a package of the archive, downloaded.
type Package struct {
	Name, Version, File string
}

// Download downloads packages, in one run of apt, and returns them by name.
func (a *Archive) Download(ctx context.Context, names []string) (map[string]Package, error) {
	args := append([]string{"download", "-qq"}, names...)
	if _, err := a.apt(ctx, "apt-get", args...); err != nil {
		return nil, err
	}
	// The candidate's own line tells its file, whatever else is in the folder.
	uris, err := a.apt(ctx, "apt-get", append([]string{"download", "--print-uris"}, names...)...)
	if err != nil {
		return nil, err
	}
	found := map[string]Package{}
	for line := range strings.Lines(string(uris)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		base, parts := fields[1], strings.Split(fields[1], "_")
		found[parts[0]] = Package{
			Name:    parts[0],
			Version: strings.ReplaceAll(parts[1], "%3a", ":"),
			File:    filepath.Join(a.dir, "debs", base),
		}
	}
	return found, a.check(found, names)
}

func (a *Archive) check(found map[string]Package, names []string) error {
	for _, name := range names {
		p, ok := found[name]
		if !ok {
			// apt names no URL for what is there already: look for the file.
			matches, err := filepath.Glob(filepath.Join(a.dir, "debs", name+"_*.deb"))
			if err != nil || len(matches) == 0 {
				return fmt.Errorf("apt downloaded no %s", name)
			}
			parts := strings.Split(filepath.Base(matches[len(matches)-1]), "_")
			p = Package{Name: name, Version: strings.ReplaceAll(parts[1], "%3a", ":"), File: matches[len(matches)-1]}
			found[name] = p
		}
		if _, err := os.Stat(p.File); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("apt downloaded no %s: %w", name, err)
		}
	}
	return nil
}
