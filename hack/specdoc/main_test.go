package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestDocumentsAreUpToDate(t *testing.T) {
	for _, name := range documents {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
			require.NoError(t, err)
			require.Regexp(t, place, string(text), "there is no place to write to")
			next, err := rewrite(string(text))
			require.NoError(t, err)
			require.Equal(t, next, string(text), "run: go run ./hack/specdoc")
		})
	}
}

// Every key is in each document, whatever sections it is cut into.
func TestDocumentsHaveEveryKey(t *testing.T) {
	for _, name := range []string{"README.rst", "docs/spec.rst"} {
		text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
		require.NoError(t, err)
		for _, k := range allKeys() {
			require.Contains(t, string(text), "\n"+k.definition(), name)
		}
	}
}

func TestDefaultsAreOfKeys(t *testing.T) {
	known := map[string]bool{}
	for _, k := range allKeys() {
		known[k.path] = true
	}
	for path := range defaults {
		require.Contains(t, known, path)
	}
}

func TestExamplesAreYAML(t *testing.T) {
	for _, k := range allKeys() {
		require.NotEmpty(t, k.doc, k.path)
		var value any
		require.NoError(t, yaml.Unmarshal([]byte("key: "+k.example), &value), k.path)
	}
}

func TestUnknownSection(t *testing.T) {
	_, err := rewrite(".. specdoc: pipp\n.. specdoc end\n")
	require.ErrorContains(t, err, `no section "pipp"`)
}
