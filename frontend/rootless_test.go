package frontend_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// A daemon without privileges builds the same image, and it runs without any.
func TestIntegrationRootless(t *testing.T) {
	if testenv.Rootless() {
		buildRootless(t)
		return
	}
	out, err := testenv.RunUnprivileged(t, "^TestIntegrationRootless$")
	require.NoError(t, err, "%s", out)
	require.Contains(t, out, "--- PASS: TestIntegrationRootless")
	layers := build{spec: rootlessSpec}.must(t).Image.Config.RootFS.DiffIDs
	for _, layer := range layers {
		require.Contains(t, out, layer.String())
	}
}

const rootlessSpec = minimal + "packages: [hello-service]\npip: {packages: [six]}\nuser: nonroot\n"

func buildRootless(t *testing.T) {
	img := build{spec: rootlessSpec}.must(t).Image
	require.Equal(t, "65532 1.17.0", python(t, img, "import os, six; print(os.getuid(), six.__version__)"))
	t.Log(img.Config.RootFS.DiffIDs)
}
