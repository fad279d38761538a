package testenv

import (
	"fmt"
	"net/http"
	"path/filepath"
)

// alpineBranch is the branch of Alpine that the fixtures hold.
const alpineBranch = "v3.20"

// Fixtures serves the folder of fixtures over HTTP: what Alpine's mirror and the
// Python package index are elsewhere.
type Fixtures struct {
	Recorder

	// Dir is the folder served.
	Dir string

	server *server
}

// StartFixtures serves the folder dir.
func StartFixtures(dir string) (*Fixtures, error) {
	f := &Fixtures{Dir: dir}
	// A listing of net/http is a page of links: all that pip's --find-links needs.
	srv, err := startServer(f.wrap(http.FileServer(http.Dir(dir))))
	if err != nil {
		return nil, fmt.Errorf("fixture server: %w", err)
	}
	f.server = srv
	return f, nil
}

// URL is the root of the server, without a slash at the end.
func (f *Fixtures) URL() string { return "http://" + f.server.host }

// APKRepository is the URL of the apk repository.
func (f *Fixtures) APKRepository() string { return f.URL() + "/alpine/" + alpineBranch + "/main" }

// APKKey is the file of the public key that signs the apk repository, the only one
// in its folder; "" if there is none.
func (f *Fixtures) APKKey() string {
	keys, err := filepath.Glob(filepath.Join(f.Dir, "alpine", "*.rsa.pub"))
	if err != nil || len(keys) == 0 {
		return ""
	}
	return keys[0]
}

// Wheels is a URL for pip's --find-links.
func (f *Fixtures) Wheels() string { return f.URL() + "/wheels/" }

// Close stops the server.
func (f *Fixtures) Close() error { return f.server.Close() }
