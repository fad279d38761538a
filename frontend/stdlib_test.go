package frontend_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
	"github.com/autumnjolitz/distroless-frontend/llb"
)

const stdlibZip = "/usr/local/lib/python313.zip"

func openZip(t *testing.T, img *testenv.Image) *zip.Reader {
	t.Helper()
	data, err := img.ReadFile(t.Context(), stdlibZip)
	require.NoError(t, err)
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	return archive
}

// program runs a file of testdata in the image and reads the JSON it prints.
func program(t *testing.T, img *testenv.Image, file string, into any, opts testenv.RunOptions) {
	t.Helper()
	dir, err := filepath.Abs("testdata")
	require.NoError(t, err)
	opts.Mounts = append(opts.Mounts, testenv.Mount{Source: dir, Target: "/testdata", ReadOnly: true})
	at := slices.Index(opts.Args, file)
	if at < 0 {
		opts.Args, at = append(opts.Args, file), len(opts.Args)
	}
	opts.Args[at] = "/testdata/" + file
	out := run(t, img, opts)
	require.NoError(t, json.Unmarshal([]byte(out), into), out)
}

func TestIntegrationStdlibZip(t *testing.T) {
	archive := openZip(t, finalOf(t, minimal))
	require.Greater(t, len(archive.File), 400)
	var names []string
	var packed, size uint64
	for _, file := range archive.File {
		names = append(names, file.Name)
		require.Equal(t, ".pyc", path.Ext(file.Name), "bytecode only: %s", file.Name)
		require.NotContains(t, file.Name, "__pycache__")
		require.Equal(t, zip.Deflate, file.Method, file.Name)
		require.True(t, file.Modified.Equal(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)), "%s: %s", file.Name, file.Modified)
		require.Equal(t, os.FileMode(0o644), file.Mode(), file.Name)
		packed, size = packed+file.CompressedSize64, size+file.UncompressedSize64
	}
	require.True(t, slices.IsSorted(names))
	require.Less(t, packed, size/2)
}

func TestIntegrationStdlibBytecode(t *testing.T) {
	var raw map[string][2]json.RawMessage
	program(t, finalOf(t, minimal), "bytecode.py", &raw, testenv.RunOptions{})
	require.Greater(t, len(raw), 500)
	for name, entry := range raw {
		require.Equal(t, ".pyc", path.Ext(name), "a source is of no use")
		require.JSONEq(t, "1", string(entry[0]), "%s is not an unchecked hash-based pyc", name)
		var codes []string
		require.NoError(t, json.Unmarshal(entry[1], &codes))
		require.Equal(t, []string{"/usr/local/lib/python3.13/" + strings.TrimSuffix(name, "c")}, codes, name)
	}
}

// leftOutOnPurpose are the modules that the base can import and the image cannot.
func leftOutOnPurpose(name string) bool {
	for _, part := range llb.Parts() {
		for _, module := range part.Modules {
			if name == module || strings.HasPrefix(name, module+".") {
				return true
			}
		}
		for _, pattern := range part.Extensions {
			if ok, _ := path.Match(pattern, name); ok {
				return true
			}
		}
	}
	return false
}

func importAll(t *testing.T, img *testenv.Image, names []string) map[string]string {
	t.Helper()
	var results map[string]string
	opts := testenv.RunOptions{Args: []string{"imports.py"}}
	if names != nil {
		stdin, err := json.Marshal(names)
		require.NoError(t, err)
		opts.Args = append(opts.Args, "--names")
		opts.Stdin = bytes.NewReader(stdin)
	}
	program(t, img, "imports.py", &results, opts)
	return results
}

func TestIntegrationStdlibImports(t *testing.T) {
	base := baseImage(t)
	want := importAll(t, base, nil)
	names := slices.Sorted(maps.Keys(want))
	got := importAll(t, finalOf(t, minimal), names)
	require.Len(t, got, len(want))
	worked, leftOut := 0, 0
	for _, name := range names {
		switch {
		case want[name] == "ok" && leftOutOnPurpose(name):
			require.Regexp(t, "^ModuleNotFoundError: ", got[name], name)
			leftOut++
		case leftOutOnPurpose(name):
			require.NotEqual(t, "ok", got[name], name)
		case want[name] == "ok":
			require.Equal(t, "ok", got[name], name)
			worked++
		default:
			require.NotEqual(t, "ok", got[name], name)
		}
	}
	require.Greater(t, worked, 550)
	require.NotZero(t, leftOut)
	t.Logf("%d modules import in both, %d in the base only", worked, leftOut)
}

// What our hook says of a module has to be what zipimport says of it.
func TestIntegrationZipimportHook(t *testing.T) {
	type answers struct {
		Patched bool             `json:"patched"`
		Modules map[string][]any `json:"modules"`
	}
	var ours, theirs answers
	img := finalOf(t, minimal)
	program(t, img, "zipimport.py", &ours, testenv.RunOptions{})
	program(t, img, "zipimport.py", &theirs, testenv.RunOptions{Args: []string{"-S"}})
	require.True(t, ours.Patched)
	require.False(t, theirs.Patched)
	require.Equal(t, theirs.Modules, ours.Modules)
	require.Len(t, ours.Modules, len(openZip(t, img).File))
}

func TestIntegrationZipimportHookLeavesOtherZips(t *testing.T) {
	out := python(t, finalOf(t, minimal), `
import sys, zipfile
with zipfile.ZipFile('/tmp/python313.zip', 'w') as archive:
    archive.writestr('plain.py', '')
    archive.writestr('package/__init__.py', '')
    archive.writestr('package/data.txt', 'data')
sys.path.insert(0, '/tmp/python313.zip')
import package, plain, importlib.resources
print(plain.__file__, package.__file__, importlib.resources.files('package').joinpath('data.txt').read_text())
try: import package.absent
except ModuleNotFoundError as e: print(e)
`)
	require.Equal(t, "/tmp/python313.zip/plain.py /tmp/python313.zip/package/__init__.py data\nNo module named 'package.absent'", out)
}

func TestIntegrationStdlibStored(t *testing.T) {
	packed := finalOf(t, minimal)
	stored := finalOf(t, minimal+"stdlib: {compression: store}\n")
	for _, file := range openZip(t, stored).File {
		require.Equal(t, zip.Store, file.Method, file.Name)
	}
	require.Greater(t, filesOf(t, stored)[stdlibZip].Size, filesOf(t, packed)[stdlibZip].Size*2)
	require.Equal(t, "{}", python(t, stored, "import json; print(json.dumps({}))"))
	require.Equal(t, filesOf(t, packed).Paths(), filesOf(t, stored).Paths())
}
