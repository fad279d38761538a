package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSchemaIsUpToDate(t *testing.T) {
	have, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(schemaFile)))
	require.NoError(t, err)
	want, err := schemaText()
	require.NoError(t, err)
	require.Equal(t, string(want), string(have), "run: go run ./hack/specdoc")
}

// What the documents have people put into their files leads to the schema.
func TestEditorsAreLedToTheSchema(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "editors.rst"))
	require.NoError(t, err)
	urls := regexp.MustCompile(`https://raw\.githubusercontent\.com/[^\s"]+`).FindAllString(string(text), -1)
	require.NotEmpty(t, urls)
	for _, url := range urls {
		require.Equal(t, schemaURL, url)
	}
}
