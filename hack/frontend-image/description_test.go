package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDescriptionOfFrontend(t *testing.T) {
	desc, err := readDescription("../../Dockerfile.frontend", map[string]string{"VERSION": "1.2.3"})
	require.NoError(t, err)
	require.Equal(t, "/frontend", desc.binary)
	require.Equal(t, []string{"/frontend"}, desc.entrypoint)
	require.Equal(t, "1.2.3", desc.labels["org.opencontainers.image.version"])
	// The daemon turns builds away that need what these do not name.
	require.Equal(t, "true", desc.labels["moby.buildkit.frontend.network.none"])
	for _, need := range []string{"inputs", "subrequests", "contexts"} {
		require.Contains(t, desc.labels["moby.buildkit.frontend.caps"], "moby.buildkit.frontend."+need)
	}
}

func TestDescriptionErrors(t *testing.T) {
	for name, tc := range map[string]struct{ dockerfile, want string }{
		"base":        {"FROM alpine\nCOPY a /a\nENTRYPOINT [\"/a\"]\n", "expected scratch"},
		"instruction": {"FROM scratch\nUSER 1\n", "USER: not known here"},
		"files":       {"FROM scratch\nCOPY a b /\n", "COPY: expected one file"},
		"entrypoint":  {"FROM scratch\nCOPY a /a\nENTRYPOINT /a\n", "ENTRYPOINT: expected the JSON form"},
		"missing":     {"FROM scratch\nCOPY a /a\n", "expected a COPY and an ENTRYPOINT"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "Dockerfile")
			require.NoError(t, os.WriteFile(file, []byte(tc.dockerfile), 0o644))
			_, err := readDescription(file, nil)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestUnknownBuildArg(t *testing.T) {
	_, err := readDescription("../../Dockerfile.frontend", map[string]string{"NOPE": "x"})
	require.ErrorContains(t, err, "there is no ARG NOPE")
}
