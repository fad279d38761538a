package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const readmeTemplate = "../../docs/README.rst.tmpl"

// readmeOf renders our own template.
func readmeOf(t *testing.T, images string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"render", "-keep-trailing-newline",
		"-template", readmeTemplate, "-images", images, "-o", "-"}, &out))
	return out.String()
}

func TestReadmeIsRendered(t *testing.T) {
	require.Equal(t, readmeOf(t, "../../docs/images.json"), readFile(t, "../../README.rst"),
		"edit docs/README.rst.tmpl, and run: make readme")
}

// The catalogue has the newest first, final images only, and each once with its other tags.
func TestReadmeOrdersVersions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "images.json")
	entry := func(tag, digest string) string {
		return `{"registry": "docker.io", "path": "me/python", "tag": "` + tag + `", "url": "docker.io/me/python:` + tag +
			`", "digest": "sha256:` + digest + `", "size": 12582912, "package_url": "https://hub.docker.com/r/me/python"}`
	}
	list := []string{
		entry("3.9-alpine3.20", "09"), entry("3.14.1-alpine3.9", "14"), entry("3.14-alpine3.9", "14"),
		entry("3.14-alpine3.20", "20"), entry("3.14-alpine3.20-buildroot", "99"), entry("3.14.2-alpine3.20", "20"),
	}
	require.NoError(t, os.WriteFile(file, []byte("["+strings.Join(list, ",")+"]"), 0o644))
	text := readmeOf(t, file)
	_, text, found := strings.Cut(text, ".. catalogue\n")
	require.True(t, found)
	text, _, _ = strings.Cut(text, ".. catalogue end")
	require.Contains(t, text, `
    * - `+"`me/python:3.14-alpine3.20 <https://hub.docker.com/r/me/python>`__, ``3.14.2-alpine3.20``"+`
      - 12.0 MiB
      - `+"``sha256:20``"+`
    * - `+"`me/python:3.14-alpine3.9 <https://hub.docker.com/r/me/python>`__, ``3.14.1-alpine3.9``"+`
      - 12.0 MiB
      - `+"``sha256:14``"+`
    * - `+"`me/python:3.9-alpine3.20 <https://hub.docker.com/r/me/python>`__"+`
      - 12.0 MiB
      - `+"``sha256:09``"+`

`)
	require.NotContains(t, text, "published yet")
}

// A README with a full catalogue is as good a document as one with none.
func TestReadmeIsReStructuredText(t *testing.T) {
	if exec.Command("python3", "-c", "import docutils").Run() != nil {
		t.Skip("python3 has no docutils (Debian: apt-get install python3-docutils)")
	}
	cmd := exec.Command("python3", "-c", "import sys; from docutils.core import publish_doctree; "+
		`publish_doctree(sys.stdin.read(), settings_overrides={"report_level": 2, "halt_level": 2, "syntax_highlight": "none", "input_encoding": "unicode"})`)
	cmd.Stdin = strings.NewReader(readmeOf(t, "testdata/images.json"))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
