package llb

import (
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
)

const withLogins = minimal + `pip:
  packages: [six]
  credentials:
  - {host: a.example, username: bot, password-secret: p}
  - {host: b.example, token-secret: t}
  client-cert-secret: c
`

// Secrets are mounts of the ops that look for them and of the download, and of no other.
func TestSecretsAreOfTheDownloadAlone(t *testing.T) {
	for _, target := range []func(*Graph) (llb.State, error){(*Graph).Final, (*Graph).Buildroot} {
		for _, op := range ops(t, marshal(t, testGraph(t, withLogins, nil), target)) {
			exec := op.GetExec()
			command := strings.Join(exec.GetMeta().GetArgs(), " ")
			if strings.Contains(command, "secret_given.sh") || strings.Contains(command, "pip_download.py") {
				continue
			}
			require.Empty(t, exec.GetSecretenv(), command)
			for _, mount := range exec.GetMounts() {
				require.Nil(t, mount.GetSecretOpt(), command)
				require.Nil(t, mount.GetSSHOpt(), command)
			}
		}
	}
}

// The op that looks for a secret is at the line that names it, and runs again with the download.
func TestMissingSecretsHaveALine(t *testing.T) {
	lines := func(text string) map[string]int32 {
		def := marshal(t, testGraph(t, text, nil), (*Graph).Final)
		found := map[string]int32{}
		for dgst, locations := range def.Source.Locations {
			name := def.Metadata[digest.Digest(dgst)].Description["llb.customname"]
			if _, secret, ok := strings.Cut(name, "look for the secret "); ok {
				require.Len(t, locations.Locations, 1)
				found[secret] = locations.Locations[0].Ranges[0].Start.Line
			}
		}
		return found
	}
	require.Equal(t, map[string]int32{"p": 6, "t": 7, "c": 8}, lines(withLogins))
	require.Empty(t, lines(minimal+"pip: {packages: [six]}\n"))

	looks := func(text string) (digests []string) {
		def := marshal(t, testGraph(t, text, nil), (*Graph).Final)
		for dgst, metadata := range def.Metadata {
			if strings.Contains(metadata.Description["llb.customname"], "look for the secret ") {
				digests = append(digests, dgst.String())
			}
		}
		return digests
	}
	require.Subset(t, looks(withLogins), looks(withLogins+"labels: {a: b}\n"))
	for _, d := range looks(strings.Replace(withLogins, "[six]", "[idna]", 1)) {
		require.NotContains(t, looks(withLogins), d)
	}
}

func TestTheCertificateIsAFileOfTheContext(t *testing.T) {
	g := testGraph(t, minimal+"pip: {packages: [six], cert: certs/a.pem}\n", nil)
	paths, used := ContextPaths(g.Spec, Overrides{}, nil, "")
	require.True(t, used)
	require.Equal(t, []string{"certs/a.pem"}, paths)
	args, err := g.pipSecretArguments()
	require.NoError(t, err)
	require.Equal(t, []string{"--cert", "/context/certs/a.pem", "--client-cert", "/run/secrets/pip-client-cert"}, args)
}
