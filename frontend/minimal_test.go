package frontend_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIntegrationMinimal(t *testing.T) {
	res := build{spec: minimal}.must(t)
	for _, v := range res.Vertices {
		t.Log(v.Name, "|", v.Group, v.Cached, v.Took())
	}
	require.Equal(t, "3.13.5", python(t, res.Image, "import platform; print(platform.python_version())"))
	size, err := res.Image.DiskSize()
	require.NoError(t, err)
	t.Log(size, res.Image.PulledSize())
}
