package llb

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What comes from outside of the spec is checked as what is in it.
func TestLinksFromOutside(t *testing.T) {
	o, err := OverridesFrom(map[string]string{"PIP_FIND_LINKS": "context://wheels/a/../b https://links.example"})
	require.NoError(t, err)
	require.Equal(t, []string{"context://wheels/b", "https://links.example"}, o.FindLinks)

	for link, want := range map[string]string{
		"context://wheels/../../etc": "build argument PIP_FIND_LINKS: \"context://wheels/../../etc\" leaves the context wheels; remove the .. that goes above its root",
		"context:///etc":             "build argument PIP_FIND_LINKS: \"context:///etc\" names no context",
		"file:///etc":                "build argument PIP_FIND_LINKS: \"file:///etc\" is not a URL of http or https",
		"wheels":                     "build argument PIP_FIND_LINKS: \"wheels\" is not a URL of http or https",
	} {
		_, err := OverridesFrom(map[string]string{"PIP_FIND_LINKS": link})
		require.ErrorContains(t, err, want)
	}
}
