package frontend

import (
	"testing"

	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	graph "github.com/autumnjolitz/distroless-frontend/llb"
)

// A base is resolved once, but what a build argument makes another base is another.
func TestBasesAreSharedByNameAndPlatform(t *testing.T) {
	amd64, arm64 := ocispecs.Platform{OS: "linux", Architecture: "amd64"}, ocispecs.Platform{OS: "linux", Architecture: "arm64"}
	var shared bases
	count := 0
	for _, test := range []struct {
		name     string
		platform ocispecs.Platform
		resolved int
	}{{"a", amd64, 1}, {"a", amd64, 1}, {"a", arm64, 2}, {"b", amd64, 3}, {"b", amd64, 3}} {
		_, err := shared.get(test.name, test.platform, func() (*graph.Base, error) {
			count++
			return &graph.Base{}, nil
		})
		require.NoError(t, err)
		require.Equal(t, test.resolved, count)
	}
}
