package frontend_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/pkg/archive/compression"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// A search looks for texts in files and in what these contain: in layers, wheels and source
// distributions, compressed or not, and in base64, as JSON has bytes.
type search map[string][][]byte // the forms of each text, by a name for it

func newSearch(texts map[string]string) search {
	s := search{}
	for name, text := range texts {
		s[name] = append([][]byte{[]byte(text)}, base64Forms(text)...)
	}
	return s
}

// base64Forms returns what is in base64 of anything that has the text in it: it depends on where
// the text begins, and its ends on what is around it.
func base64Forms(text string) [][]byte {
	var forms [][]byte
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + text))
		first, last := (before*8+5)/6, (before+len(text))*8/6
		forms = append(forms, []byte(encoded[first:last]))
	}
	return forms
}

// in returns what is found in data, sorted, as "name in place".
func (s search) in(t *testing.T, place string, data []byte) []string {
	t.Helper()
	var found []string
	for name, forms := range s {
		if slices.ContainsFunc(forms, func(form []byte) bool { return bytes.Contains(data, form) }) {
			found = append(found, name+" in "+place)
		}
	}
	inside(t, data, func(name string, data []byte) {
		found = append(found, s.in(t, place+"!"+name, data)...)
	})
	slices.Sort(found)
	return found
}

// below does so for all files below a folder.
func (s search) below(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		found = append(found, s.in(t, strings.TrimPrefix(path, dir+"/"), data)...)
		return err
	}))
	return found
}

// inside calls a function for each file in an archive, or for what is compressed.
func inside(t *testing.T, data []byte, visit func(name string, data []byte)) {
	t.Helper()
	const magicAt = 257 // of a tar's first header
	switch {
	case compression.DetectCompression(data) != compression.Uncompressed:
		r, err := compression.DecompressStream(bytes.NewReader(data))
		require.NoError(t, err)
		defer r.Close()
		visit("", readAll(t, r))
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		require.NoError(t, err)
		for _, file := range archive.File {
			r, err := file.Open()
			require.NoError(t, err)
			visit(file.Name, readAll(t, r))
		}
	case len(data) > magicAt && bytes.HasPrefix(data[magicAt:], []byte("ustar")):
		archive := tar.NewReader(bytes.NewReader(data))
		for {
			header, err := archive.Next()
			if err == io.EOF {
				return
			}
			require.NoError(t, err)
			visit(header.Name, readAll(t, archive))
		}
	}
}

func readAll(t *testing.T, r io.Reader) []byte {
	t.Helper()
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	return data
}

// leavings is all that a build leaves: the image with its attestations and its inline cache, a
// cache with the results of all steps, and what the client printed and wrote.
type leavings struct {
	res   *testenv.BuildxResult
	cache string
}

// leave builds with everything that could take a secret along.
func (x *buildx) leave(generator, dir, target string, args ...string) leavings {
	x.t.Helper()
	cache := x.t.TempDir()
	args = append(args, "--target", target, "--provenance=mode=max", "--sbom=generator="+generator,
		"--cache-to", "type=local,mode=max,dest="+cache, "--build-arg", "BUILDKIT_INLINE_CACHE=1", dir)
	return leavings{x.must(line{args: args}), cache}
}

func (s search) throughAll(t *testing.T, l leavings) []string {
	t.Helper()
	metadata, err := json.Marshal(l.res.MetadataFile)
	require.NoError(t, err)
	var names []string
	for _, vertex := range l.res.Vertices {
		names = append(names, vertex.Name)
	}
	printed := strings.Join(names, "\n") + l.res.Log() + l.res.Stdout + l.res.Stderr
	found := append(s.below(t, l.res.Layout), s.below(t, l.cache)...)
	return append(append(found, s.in(t, "log", []byte(printed))...), s.in(t, "metadata", metadata)...)
}
