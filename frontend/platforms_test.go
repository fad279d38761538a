package frontend_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

func TestIntegrationPlatformsDraft(t *testing.T) {
	testenv.RequireAlpine(t)
	res := build{spec: minimal + "packages: [zip, tzdata]\nworkdir: /app\n", BuildRequest: testenv.BuildRequest{
		Platforms: []string{"linux/amd64", "linux/arm64"},
	}}.must(t)
	a, b := res.Images["linux/amd64"], res.Images["linux/arm64"]
	for i, l := range a.Layers {
		t.Log(l.Digest, l.Size, b.Layers[i].Digest, b.Layers[i].Size)
	}
	t.Log(res.Log())
	fa, fb := filesOf(t, a), filesOf(t, b)
	for _, p := range fa.Paths() {
		if _, ok := fb[p]; !ok {
			t.Log("only amd64", p)
		}
	}
	for _, p := range fb.Paths() {
		x, y := fa[p], fb[p]
		x.Layer, y.Layer = 0, 0
		if x != y {
			t.Log("differs", p, x.Mode, y.Mode, x.UID, y.UID, x.GID, y.GID, x.Size, y.Size, x.Link, y.Link, x.SHA256, y.SHA256)
		}
	}
	require.NotNil(t, b)
	r, _ := b.Rootfs(t.Context())
	t.Log(r)
}
