package frontend_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// wheel returns the name and the content of a wheel with these files.
func wheel(t *testing.T, name, version string, files map[string]string) (file, content string) {
	t.Helper()
	return taggedWheel(t, name, version, "py3-none-any", files)
}

// taggedWheel returns one that is for what the tag says.
func taggedWheel(t *testing.T, name, version, tag string, files map[string]string) (file, content string) {
	t.Helper()
	file, archive, err := testenv.Wheel(name, version, tag, files)
	require.NoError(t, err)
	return file, string(archive)
}

// sdist returns the name and the content of a source distribution with these files.
func sdist(t *testing.T, name, version string, files map[string]string) (file, content string) {
	t.Helper()
	top := name + "-" + version
	all := map[string]string{"PKG-INFO": fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n", name, version)}
	maps.Copy(all, files)

	var buffer bytes.Buffer
	compressed := gzip.NewWriter(&buffer)
	archive := tar.NewWriter(compressed)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		header := &tar.Header{Name: top + "/" + name, Mode: 0o644, Size: int64(len(all[name]))}
		require.NoError(t, archive.WriteHeader(header))
		_, err := archive.Write([]byte(all[name]))
		require.NoError(t, err)
	}
	require.NoError(t, archive.Close())
	require.NoError(t, compressed.Close())
	return top + ".tar.gz", buffer.String()
}

// An index is a package index (PEP 503) of the wheels of the fixtures. Like PyPI, it says
// that a wheel never changes, so that pip may keep it.
type index struct {
	dir      string
	wheels   map[string][]string // by the normalized name of the project
	own      map[string]string   // the content of files that dir has not
	mu       sync.Mutex
	requests []string
}

func newIndex(t *testing.T) *index {
	t.Helper()
	i := &index{dir: filepath.Join(shared.Env(t).Fixtures.Dir, "wheels"), wheels: map[string][]string{}, own: map[string]string{}}
	entries, err := os.ReadDir(i.dir)
	require.NoError(t, err)
	for _, entry := range entries {
		project, _, _ := strings.Cut(entry.Name(), "-")
		project = normalized(project)
		i.wheels[project] = append(i.wheels[project], entry.Name())
	}
	return i
}

// add adds a distribution to the index.
func (i *index) add(name, content string) {
	project, _, _ := strings.Cut(name, "-")
	project = normalized(project)
	i.wheels[project] = append(i.wheels[project], name)
	i.own[name] = content
}

// start serves the index, by HTTPS with a certificate that nobody has signed if encrypted,
// and returns its URL.
func (i *index) start(t *testing.T, encrypted bool) string {
	t.Helper()
	server := httptest.NewUnstartedServer(i)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of clients that do not trust it
	start := server.Start
	if encrypted {
		start = server.StartTLS
	}
	start()
	t.Cleanup(server.Close)
	return server.URL + "/simple"
}

var separators = regexp.MustCompile(`[-_.]+`)

func normalized(project string) string {
	return strings.ToLower(separators.ReplaceAllString(project, "-"))
}

func (i *index) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.requests = append(i.requests, r.URL.Path)
	i.mu.Unlock()
	if name, ok := strings.CutPrefix(r.URL.Path, "/wheels/"); ok {
		w.Header().Set("Cache-Control", "max-age=365000000, immutable, public")
		if content, ok := i.own[name]; ok {
			http.ServeContent(w, r, name, time.Time{}, strings.NewReader(content))
			return
		}
		http.ServeFile(w, r, filepath.Join(i.dir, filepath.Base(name)))
		return
	}
	project := strings.Trim(strings.TrimPrefix(r.URL.Path, "/simple/"), "/")
	wheels, ok := i.wheels[project]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html")
	for _, name := range wheels {
		fmt.Fprintf(w, "<a href=\"/wheels/%s\">%s</a><br>\n", name, name)
	}
}

// downloads returns the wheels that were fetched since the last call, sorted.
func (i *index) downloads() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var names []string
	for _, path := range i.requests {
		if name, ok := strings.CutPrefix(path, "/wheels/"); ok {
			names = append(names, name)
		}
	}
	i.requests = nil
	slices.Sort(names)
	return names
}
