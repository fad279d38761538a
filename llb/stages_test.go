package llb

import (
	"regexp"
	"slices"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/stretchr/testify/require"
)

// Every step is of a group that a client can name, and every such group has a step.
func TestGroupsAreThoseOfTheSteps(t *testing.T) {
	word := regexp.MustCompile(`^\[(\w+)\] `)
	g := testGraph(t, trimmed+"tests: [{run: [python, -V]}]\n", nil)
	firstGate := func() (llb.State, error) {
		gates, err := g.Gates()
		return gates[0].State, err
	}
	var found []string
	for _, target := range []func() (llb.State, error){g.Final, g.Buildroot, g.Debug, firstGate} {
		st, err := target()
		require.NoError(t, err)
		def, err := st.Marshal(t.Context())
		require.NoError(t, err)
		for _, metadata := range def.Metadata {
			if metadata.ProgressGroup == nil {
				continue // not a step of ours
			}
			match := word.FindStringSubmatch(metadata.ProgressGroup.Name)
			require.NotNil(t, match, metadata.ProgressGroup.Name)
			found = append(found, match[1])
		}
	}
	slices.Sort(found)
	require.ElementsMatch(t, Groups(), slices.Compact(found))
}

func TestStagesAreWhatTheImageIsMadeOn(t *testing.T) {
	for text, want := range map[string][]string{
		minimal:                         {"base"},
		minimal + "apk: {build: [gcc]}": {"base"}, // pip has nothing to build
		minimal + "apk: {build: [gcc]}\npip: {packages: [flask]}": {"base", "builder"},
	} {
		stages, err := testGraph(t, text, nil).Stages()
		require.NoError(t, err)
		var names []string
		for name := range stages {
			names = append(names, name)
		}
		require.ElementsMatch(t, want, names, text)
	}
}
