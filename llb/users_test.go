package llb

import (
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/stretchr/testify/require"
)

// What a copy is told is what the image's files say of the same names.
func TestOwnersAreThoseOfTheUsers(t *testing.T) {
	g := testGraph(t, minimal+`
users:
- {name: a, uid: 1000, gid: 0}
- {name: b, uid: 2000, group: a}
`, nil)
	for chown, want := range map[string][2]int{"a": {1000, 0}, "b": {2000, 2000}, "b:a": {2000, 2000}, "a:root": {1000, 0}, "nonroot:a": {65532, 2000}, "7:8": {7, 8}} {
		option, err := g.ownerOf(chown)
		require.NoError(t, err)
		owner := option.(llb.ChownOpt)
		require.Equal(t, want, [2]int{owner.User.UID, owner.Group.UID}, chown)
	}
	for _, chown := range []string{"b:b", "c", "a:c"} {
		_, err := g.ownerOf(chown)
		require.ErrorContains(t, err, "is not known: expected a number, root, nonroot or a name under users", chown)
	}
}
