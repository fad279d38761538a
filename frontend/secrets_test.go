package frontend_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/stretchr/testify/require"
)

// blobsWith returns the files below a folder that contain a text, compressed ones included.
func blobsWith(t *testing.T, dir, text string) []string {
	t.Helper()
	var found []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
			r, err := gzip.NewReader(bytes.NewReader(data))
			if err != nil {
				return err
			}
			if data, err = io.ReadAll(r); err != nil {
				return err
			}
		}
		if bytes.Contains(data, []byte(text)) {
			found = append(found, path)
		}
		return nil
	}))
	return found
}

// Nothing that leaves the builder has the secret in it: neither image, history and provenance,
// nor a cache with the results of all steps.
func TestIntegrationNetrcLeavesTheBuilderNowhere(t *testing.T) {
	index := newIndex(t)
	index.add(taggedSdist(t, "pure", "py3-none-any"))
	cache := t.TempDir()

	req := online()
	req.Secrets = map[string][]byte{"netrc": fmt.Appendf(nil, "machine 127.0.0.1 login bot password %s\n", canary)}
	req.FrontendAttrs = map[string]string{"attest:provenance": "mode=max"}
	req.CacheExports = []client.CacheOptionsEntry{{Type: "local", Attrs: map[string]string{"dest": cache, "mode": "max"}}}
	res := build{spec: minimal + "pip: {packages: [pure], index-url: " + index.private(t) + "}\n", BuildRequest: req}.must(t)
	require.NotContains(t, res.Log(), canary)

	require.NotEmpty(t, blobsWith(t, res.Layout, "https://slsa.dev/provenance"))
	for _, dir := range []string{res.Layout, cache} {
		require.NotEmpty(t, blobsWith(t, dir, "answer = 42"), "what is looked through must be all of it")
		require.Empty(t, blobsWith(t, dir, canary))
	}
}
