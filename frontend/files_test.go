package frontend_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// tree returns the files below some folders of an image, each as a line that says all about
// it that a copy decides. What comes from below them is left out, and so is bytecode, which no
// COPY makes.
func tree(t *testing.T, img *testenv.Image, below string) []string {
	t.Helper()
	files := filesOf(t, img)
	var lines []string
	for _, path := range files.Paths() {
		if f := files[path]; strings.HasPrefix(path, below) && !strings.Contains(path, "/__pycache__") {
			lines = append(lines, fmt.Sprintf("%s %s %d:%d %s %.8s", path, f.Mode, f.UID, f.GID, f.Link, f.SHA256))
		}
	}
	return lines
}

// copyContext is a context with something of everything.
func copyContext(t *testing.T) string {
	t.Helper()
	dir := contextDir(t, map[string]string{
		".dockerignore":      "ignored*\nfolder/skipped.txt\n**/*.pyc\n",
		"app.py":             "print('app')\n",
		"other.py":           "print('other')\n",
		"ignored.py":         "",
		"folder/one.txt":     "1",
		"folder/two.txt":     "2",
		"folder/.hidden":     "3",
		"folder/skipped.txt": "4",
		"folder/sub/c.pyc":   "5",
		"folder/sub/deep.py": "6",
		"with space.txt":     "7",
	})
	require.NoError(t, os.Chmod(filepath.Join(dir, "other.py"), 0o750))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "empty"), 0o700))
	require.NoError(t, os.Symlink("app.py", filepath.Join(dir, "link.py")))
	require.NoError(t, os.Symlink("../app.py", filepath.Join(dir, "folder/link.py")))
	return dir
}

// Each entry of files stands for a COPY, and leaves the same files below its own folder.
func TestIntegrationFilesAreThoseOfCopy(t *testing.T) {
	pushFinal(t)
	pairs := []struct{ entry, instruction string }{
		{"{from: app.py, to: DIR/}", "COPY app.py DIR/"},
		{"{from: app.py, to: DIR/renamed.py}", "COPY app.py DIR/renamed.py"},
		{"{from: /app.py, to: DIR/renamed.py}", "COPY /app.py DIR/renamed.py"},
		{"{from: folder, to: DIR}", "COPY folder DIR"},
		{"{from: folder/, to: DIR/}", "COPY folder/ DIR/"},
		{"{from: ., to: DIR/all/}", "COPY . DIR/all/"},
		{"{from: '*.py', to: DIR/}", "COPY *.py DIR/"},
		{"{from: 'folder/*', to: DIR/}", "COPY folder/* DIR/"},
		{"{from: 'f*r', to: DIR/}", "COPY f*r DIR/"},
		{"{from: [app.py, folder/two.txt, '*.absent'], to: DIR/}", "COPY app.py folder/two.txt *.absent DIR/"},
		{"{from: [folder, empty, with space.txt], to: DIR/}", `COPY ["folder", "empty", "with space.txt", "DIR/"]`},
		{"{from: link.py, to: DIR/}", "COPY link.py DIR/"},
		{"{from: folder, to: DIR/, chown: nonroot}", "COPY --chown=nonroot folder DIR/"},
		{"{from: folder, to: DIR/, chown: nonroot:root}", "COPY --chown=nonroot:root folder DIR/"},
		{"{from: app.py, to: DIR/, chown: '1000:2000'}", "COPY --chown=1000:2000 app.py DIR/"},
		{"{from: app.py, to: DIR/, chown: 1000}", "COPY --chown=1000 app.py DIR/"},
		{"{from: other.py, to: DIR/, chmod: 0640}", "COPY --chmod=0640 other.py DIR/"},
		{"{from: folder, to: DIR/, chmod: '755'}", "COPY --chmod=755 folder DIR/"},
		{"{from: app.py, to: DIR/, chmod: 0o4755}", "COPY --chmod=4755 app.py DIR/"},
		{"{from: one.css, to: DIR/, context: assets}", "COPY --from=assets one.css DIR/"},
		{"{from: ., to: DIR/, context: assets, chown: nonroot}", "COPY --from=assets --chown=nonroot . DIR/"},
		{"{from: app.py, to: DIR/deeper/than/that/}", "COPY app.py DIR/deeper/than/that/"},
		{"{from: app.py, to: ./DIR/}", "COPY app.py ./DIR/"},
		{"{from: app.py, to: DIR/../DIR/x/./y.py}", "COPY app.py DIR/../DIR/x/./y.py"},
	}
	spec, text := minimal+"workdir: /copies\nfiles:\n", "FROM test/final\nWORKDIR /copies\n"
	for i, pair := range pairs {
		dir := fmt.Sprintf("/copies/%02d", i)
		if strings.Contains(pair.entry, "./DIR") {
			dir = fmt.Sprintf("%02d", i)
		}
		spec += "  - " + strings.ReplaceAll(pair.entry, "DIR", dir) + "\n"
		text += strings.ReplaceAll(pair.instruction, "DIR", dir) + "\n"
	}
	req := testenv.BuildRequest{
		Dir:           copyContext(t),
		NamedContexts: map[string]string{"assets": contextDir(t, map[string]string{"one.css": "a", "two.css": "b"})},
	}
	want := peer(t, text, req)
	got := build{spec: spec, BuildRequest: req}.must(t).Image
	for i, pair := range pairs {
		t.Run(pair.instruction, func(t *testing.T) {
			dir := fmt.Sprintf("/copies/%02d", i)
			require.NotEmpty(t, tree(t, want, dir))
			require.Equal(t, tree(t, want, dir), tree(t, got, dir), pair.entry)
		})
	}
	require.Equal(t, tree(t, want, "/"), tree(t, got, "/"))
}

// What a later entry copies into the folder of an earlier one leaves that folder as it is.
func TestIntegrationFilesOfOneFolder(t *testing.T) {
	pushFinal(t)
	req := testenv.BuildRequest{Dir: copyContext(t)}
	got := build{spec: minimal + `
files:
  - {from: app.py, to: /app/, chown: nonroot}
  - {from: other.py, to: /app/}
  - {from: folder, to: /app/static/, chown: "1000"}
  - {from: app.py, to: /app/static/sub/}
  - {from: folder, to: /app/other.py.d}
  - {from: other.py, to: /app/app.py}
`, BuildRequest: req}.must(t).Image
	want := peer(t, `FROM test/final
COPY --chown=nonroot app.py /app/
COPY other.py /app/
COPY --chown=1000 folder /app/static/
COPY app.py /app/static/sub/
COPY folder /app/other.py.d
COPY other.py /app/app.py
`, req)
	require.Equal(t, tree(t, want, "/app"), tree(t, got, "/app"))
}
