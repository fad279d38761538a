package frontend_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// On a daemon that emulates the other platform, the scripts of packages run for it as they do for
// the daemon's own, with the same result, and nothing else is emulated.
func TestIntegrationScriptsRunUnderEmulation(t *testing.T) {
	env := shared.Env(t)
	foreign := env.RequireForeign(t)
	daemon := env.NewEmulating(t, foreign)
	res, err := daemon.Build(t.Context(), build{
		spec: minimal + "packages: [hello-service]\n",
		BuildRequest: testenv.BuildRequest{
			Platforms:   []string{foreign.Native, foreign.Platform},
			ExportAttrs: map[string]string{"rewrite-timestamp": "true"},
			BuildArgs:   map[string]string{"SOURCE_DATE_EPOCH": "0"},
		},
	}.on(t, env))
	require.NoError(t, err, "%s\n%s", testenv.SourceExcerpt(err), res.Log())
	native, other := res.Images[foreign.Native], res.Images[foreign.Platform]

	passwd, err := other.ReadFile(t.Context(), "/etc/passwd")
	require.NoError(t, err)
	require.Contains(t, string(passwd), "\nhello:", "what hello-service's pre-install script adds")
	requireSameButPrograms(t, native, other)
	require.Equal(t, foreign.Arch+"\n", runForeign(t, foreign, other, testenv.RunOptions{
		Args: []string{"-c", "import os; print(os.uname().machine)"},
	}))
	for _, vertex := range res.Vertices {
		if strings.Contains(vertex.Name, "compile the standard library") {
			require.Contains(t, vertex.Name, foreign.Native)
		}
	}
}
