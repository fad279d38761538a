package frontend_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// cutWheels leaves but the start of the wheels that pip keeps, as a full disk does.
const cutWheels = "wheels=$(find /cache/built -name '*.whl') && for wheel in $wheels; do head -c 99 $wheel >/half && mv /half $wheel; done && test -n \"$wheels\""

// A wheel that was built is kept for builds with the same around it, unless it is not whole.
func TestIntegrationPipKeepsBuiltWheels(t *testing.T) {
	env := shared.Env(t)
	file, content := taggedSdist(t, "kept", "py3-none-any") // which no other test has installed
	args := map[string]string{"PIP_FIND_LINKS": "", "PIP_NO_INDEX": "", "BUILDKIT_CACHE_MOUNT_NS": "built-wheels"}
	builds := func(t *testing.T, packages, more string) bool {
		t.Helper()
		res := build{
			spec:         minimal + more + "pip: {no-index: true, packages: [" + packages + "], find-links: [dist, " + env.Fixtures.Wheels() + "]}\n",
			files:        map[string]string{"dist/" + file: content},
			BuildRequest: testenv.BuildRequest{BuildArgs: args},
		}.must(t)
		require.Equal(t, "42", python(t, res.Image, "import kept; print(kept.answer)"))
		require.Contains(t, res.Log(), "[pip] install")
		return strings.Contains(res.Log(), "Building wheel for kept")
	}
	require.True(t, builds(t, "kept", ""))
	require.False(t, builds(t, "kept, six", ""))

	cut, err := env.Build(t.Context(), testenv.BuildRequest{
		DockerfileInline: "FROM python:3.13-alpine3.20\nRUN --mount=type=cache,id=" + pipCache() + ",target=/cache " + cutWheels + "\n",
		BuildArgs:        args,
	})
	require.NoError(t, err, cut.Log())
	require.True(t, builds(t, "kept, idna", ""))

	require.True(t, builds(t, "kept", "apk: {build: [zip]}\n"))
}
