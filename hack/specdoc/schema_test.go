package main

import (
	"os"
	"path/filepath"
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
