package llb

import (
	"cmp"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// The list of build arguments is that of those which are read.
func TestBuildArgs(t *testing.T) {
	source, err := os.ReadFile("overrides.go")
	require.NoError(t, err)
	var read []string
	for _, match := range regexp.MustCompile(`args\["(\w+)"\]`).FindAllStringSubmatch(string(source), -1) {
		read = append(read, match[1])
	}
	slices.Sort(read)
	var listed []string
	for _, arg := range BuildArgs() {
		listed = append(listed, arg.Name)
		require.NotEmpty(t, arg.Description)
	}
	slices.Sort(listed)
	require.Equal(t, slices.Compact(read), listed)
}

// The secrets and agents that are listed are those of the graph.
func TestSecrets(t *testing.T) {
	for _, text := range []string{
		"", "packages: [libpq]\n", "pip: {packages: [six]}\n", "pip: {requirements: [a.txt]}\n",
		"pip: {packages: [six], client-cert-secret: c}\n",
		"pip: {packages: [six], credentials: [{host: a, token-secret: t}, {host: b, username-secret: u, password-secret: t}, {host: c, username: x, password-secret: netrc}]}\n",
	} {
		s, err := spec.Parse("Dockerfile", []byte(minimal+text))
		require.NoError(t, err)
		secrets, agents := []string{}, []string{}
		for _, op := range ops(t, marshal(t, testGraph(t, minimal+text, nil), (*Graph).Final)) {
			for _, mount := range op.GetExec().GetMounts() {
				if secret := mount.GetSecretOpt(); secret != nil {
					secrets = append(secrets, secret.ID)
				}
				if agent := mount.GetSSHOpt(); agent != nil {
					agents = append(agents, cmp.Or(agent.ID, "default")) // as the client reads it
				}
			}
		}
		slices.Sort(secrets)
		var listed []string
		for _, secret := range Secrets(s) {
			listed = append(listed, secret.ID)
		}
		require.ElementsMatch(t, slices.Compact(secrets), listed, text)
		require.ElementsMatch(t, slices.Compact(agents), SSH(s), text)
	}
}
