package apk

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1" //nolint:gosec // the format's
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	goapk "github.com/chainguard-dev/go-apk/pkg/apk"
)

// errors in apk's words.
var (
	errUntrusted = errors.New("UNTRUSTED signature")
	errConnect   = errors.New("could not connect to server (check repositories file)")
	errNetwork   = errors.New("network error (check Internet connection and firewall)")
	errNotFound  = errors.New("package mentioned in index not found (try 'apk update')")
	errRemote    = errors.New("remote server returned error (try 'apk update')")
	errShort     = errors.New("unexpected end of file")
	errIntegrity = errors.New("v2 package integrity error")
	errOffline   = errors.New("network disabled")
)

// repository is a folder of packages, at a URL or on disk.
type repository struct {
	url, arch string
	index     *goapk.APKIndex
}

// source is where indexes and packages come from.
type source struct {
	repositories []*repository
	keys         map[string][]byte
	arch         string
	cache        string // a folder, or "" for none
	offline      bool   // no network
	untrusted    bool   // any signature will do
	client       *http.Client
}

// readKeys reads the trusted keys.
func readKeys(dir string) (map[string][]byte, error) {
	keys := map[string][]byte{}
	paths, err := filepath.Glob(filepath.Join(dir, "*.pub"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		if keys[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func isRemote(url string) bool {
	return strings.HasPrefix(url, "http://") || strings.HasPrefix(url, "https://")
}

// load reads the index of each repository; warn hears of those it cannot read.
func (s *source) load(ctx context.Context, urls []string, say, warn func(string, ...any)) {
	for _, url := range urls {
		url = strings.TrimSuffix(url, "/")
		if _, tagged, ok := strings.Cut(url, " "); ok && strings.HasPrefix(url, "@") {
			url = strings.TrimSpace(tagged)
		}
		r := &repository{url: url, arch: s.arch}
		if err := s.readIndex(ctx, r, say, warn); err != nil {
			warn("fetching %s: %v", url, err)
			continue
		}
		s.repositories = append(s.repositories, r)
	}
}

// readIndex reads the index of a repository: the newest or, when that cannot be
// had, the one in the cache, which has only what was checked.
func (s *source) readIndex(ctx context.Context, r *repository, say, warn func(string, ...any)) error {
	location := r.url + "/" + r.arch + "/APKINDEX.tar.gz"
	if !isRemote(location) {
		text, err := os.ReadFile(location)
		if err != nil {
			return err
		}
		return s.parseIndex(ctx, r, text)
	}
	cached := s.cached("APKINDEX." + shortSum([]byte(r.url+"/"+r.arch)) + ".tar.gz")
	err := errOffline
	if !s.offline {
		say("fetch %s", location)
		if err = s.newIndex(ctx, r, location, cached); err == nil {
			return nil
		}
	}
	old, readErr := os.ReadFile(cached)
	if readErr != nil {
		return err
	}
	if !s.offline {
		warn("fetching %s: %v", r.url, err)
	}
	return s.parseIndex(ctx, r, old)
}

func (s *source) newIndex(ctx context.Context, r *repository, location, cached string) error {
	text, modified, err := s.get(ctx, location, cached)
	if err != nil {
		return err
	}
	if err := s.parseIndex(ctx, r, text); err != nil {
		return err
	}
	return keep(cached, text, modified)
}

// parseIndex has go-apk check and read an index, which it does from a file.
func (s *source) parseIndex(ctx context.Context, r *repository, text []byte) error {
	dir, err := os.MkdirTemp("", "apk-index-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Mkdir(filepath.Join(dir, r.arch), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, r.arch, "APKINDEX.tar.gz"), text, 0o644); err != nil {
		return err
	}
	if err := checkGzip(text); err != nil {
		return err
	}
	signer, err := signerOf(text)
	if err != nil {
		return err
	}
	// As apk does, the key of the signer's name, where go-apk would try all there are.
	keys := map[string][]byte{}
	if key, ok := s.keys[signer]; ok {
		keys[signer] = key
	}
	_, err = goapk.GetRepositoryIndexes(ctx, []string{dir}, keys, r.arch, goapk.WithIgnoreSignatures(s.untrusted))
	if err != nil {
		return errUntrusted
	}
	r.index, err = goapk.IndexFromArchive(io.NopCloser(bytes.NewReader(text)))
	return err
}

// signerOf is the name of the key that an index is signed with, "" if with none.
func signerOf(text []byte) (string, error) {
	stream, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return "", errIntegrity
	}
	header, err := tar.NewReader(stream).Next()
	if err != nil {
		return "", errIntegrity
	}
	name, _ := strings.CutPrefix(header.Name, ".SIGN.RSA.")
	return name, nil
}

// checkGzip tells a download that was cut short from one of a wrong signer.
func checkGzip(text []byte) error {
	reader, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return errIntegrity
	}
	if _, err := io.Copy(io.Discard, reader); errors.Is(err, io.ErrUnexpectedEOF) {
		return errShort
	} else if err != nil {
		return errIntegrity
	}
	return nil
}

// openPackage returns a package, checked against the index. What is kept in the
// cache was checked before, and is again.
func (s *source) openPackage(ctx context.Context, r *repository, p *goapk.Package) (*contents, error) {
	location := r.url + "/" + r.arch + "/" + p.Filename()
	if !isRemote(location) {
		text, err := os.ReadFile(location)
		if errors.Is(err, os.ErrNotExist) {
			return nil, errNotFound
		} else if err != nil {
			return nil, err
		}
		return openPackage(ctx, text, p)
	}
	cached := s.cached(fmt.Sprintf("%s-%s.%s.apk", p.Name, p.Version, hex.EncodeToString(p.Checksum)[:8]))
	if text, err := os.ReadFile(cached); err == nil {
		if c, err := openPackage(ctx, text, p); err == nil {
			return c, nil
		}
	}
	if s.offline {
		return nil, errOffline
	}
	text, modified, err := s.get(ctx, location, "")
	if err != nil {
		return nil, err
	}
	c, err := openPackage(ctx, text, p)
	if err != nil {
		return nil, err
	}
	if err := keep(cached, text, modified); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// cached is the file of that name in the cache; "" when there is no cache.
func (s *source) cached(name string) string {
	if s.cache == "" {
		return ""
	}
	return filepath.Join(s.cache, name)
}

// get downloads a file and the time its server gives it; if there is none newer
// than the file cached, it is that one. None is asked for where cached is "".
func (s *source) get(ctx context.Context, location, cached string) (text []byte, modified string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, location, nil)
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("User-Agent", "apk-tools/"+Version+" (stand-in)")
	if info, err := os.Stat(cached); err == nil {
		request.Header.Set("If-Modified-Since", info.ModTime().UTC().Format(http.TimeFormat))
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, "", inApkWords(err)
	}
	defer response.Body.Close()
	modified = response.Header.Get("Last-Modified")
	switch {
	case response.StatusCode == http.StatusNotModified:
		text, err = os.ReadFile(cached)
		return text, modified, err
	case response.StatusCode == http.StatusNotFound:
		return nil, "", errNotFound
	case response.StatusCode != http.StatusOK:
		return nil, "", errRemote
	}
	if text, err = io.ReadAll(response.Body); err != nil {
		return nil, "", inApkWords(err)
	}
	return text, modified, nil
}

// keep puts a file into the cache, with the time its server gave it.
func keep(path string, text []byte, modified string) error {
	if path == "" {
		return nil
	}
	temporary := fmt.Sprintf("%s.%d", path, os.Getpid())
	if err := os.WriteFile(temporary, text, 0o644); err != nil {
		return err
	}
	if t, err := http.ParseTime(modified); err == nil {
		if err := os.Chtimes(temporary, time.Now(), t); err != nil {
			return err
		}
	}
	return os.Rename(temporary, path)
}

func inApkWords(err error) error {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH):
		return errConnect
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errShort
	}
	return errNetwork
}

func shortSum(text []byte) string {
	sum := sha1.Sum(text) //nolint:gosec // a name
	return hex.EncodeToString(sum[:])[:8]
}
