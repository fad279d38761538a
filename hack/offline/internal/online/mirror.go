package online

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	goapk "github.com/chainguard-dev/go-apk/pkg/apk"

	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/apkfile"
)

// wanted are the packages that tests and images ask for by name.
var wanted = []string{
	"alpine-baselayout", "alpine-release", "ca-certificates", "ca-certificates-bundle", "coreutils-env", "dash",
	"dash-binsh", "libbz2", "libffi", "run-parts", "scanelf", "sqlite-libs", "tzdata", "xz-libs", "zip",
}

// made are the packages made for tests, which the stand-in has.
var made = []string{"hello-apk", "hello-service"}

// downloadTimeout is for one file.
const downloadTimeout = 5 * time.Minute

// mirror copies what is needed for one architecture.
type mirror struct {
	options Options
	arch    string // as Alpine calls it
	key     apkfile.Key
}

// copy writes a repository of the named packages, of those wanted, of what they depend on, and
// of those made for tests. Its index is signed anew, the packages are as they were.
func (m mirror) copy(ctx context.Context, names []string, dir string) error {
	folder := filepath.Join("v"+m.options.Branch, "main", m.arch)
	out := filepath.Join(dir, "alpine", folder)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	from := m.options.Alpine + "/" + filepath.ToSlash(folder) + "/"
	text, err := download(ctx, from+"APKINDEX.tar.gz")
	if err != nil {
		return err
	}
	index, err := goapk.IndexFromArchive(io.NopCloser(bytes.NewReader(text)))
	if err != nil {
		return fmt.Errorf("read the index: %w", err)
	}
	selected, err := selectPackages(ctx, index, slices.Concat(names, wanted))
	if err != nil {
		return err
	}
	for _, p := range selected {
		content, err := download(ctx, from+p.Filename())
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, p.Filename()), content, 0o644); err != nil {
			return err
		}
	}
	tests, err := m.madeForTests(filepath.Join(m.options.StandIn, "alpine", folder), out)
	if err != nil {
		return err
	}
	return apkfile.WriteIndex(ctx, out, "a part of "+from, append(selected, tests...), m.key)
}

// selectPackages adds to the names, those of them that there are, what each depends on by
// itself: together, some could not be installed.
func selectPackages(ctx context.Context, index *goapk.APKIndex, names []string) ([]*goapk.Package, error) {
	known := map[string]bool{}
	for _, p := range index.Packages {
		known[p.Name] = true
	}
	repository := (&goapk.Repository{}).WithIndex(index)
	resolver := goapk.NewPkgResolver(ctx, []goapk.NamedIndex{goapk.NewNamedRepositoryWithIndex("", repository)})
	selected := map[string]*goapk.Package{}
	for _, name := range names {
		if !known[name] {
			continue
		}
		found, _, err := resolver.GetPackagesWithDependencies(ctx, []string{name})
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			selected[p.Filename()] = p.Package
		}
	}
	return slices.Collect(maps.Values(selected)), nil
}

// madeForTests copies the stand-in's packages that are not Alpine's.
func (m mirror) madeForTests(from, out string) ([]*goapk.Package, error) {
	file, err := os.Open(filepath.Join(from, "APKINDEX.tar.gz"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	index, err := goapk.IndexFromArchive(file)
	if err != nil {
		return nil, fmt.Errorf("read the stand-in's index: %w", err)
	}
	packages := slices.DeleteFunc(index.Packages, func(p *goapk.Package) bool { return !slices.Contains(made, p.Name) })
	for _, p := range packages {
		content, err := os.ReadFile(filepath.Join(from, p.Filename()))
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(out, p.Filename()), content, 0o644); err != nil {
			return nil, err
		}
	}
	return packages, nil
}

func download(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get %s: %s", url, res.Status)
	}
	return io.ReadAll(res.Body)
}
