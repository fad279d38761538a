package frontend_test

import (
	"maps"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// allSecrets is one of each kind, with the canary in it where that can be. The key of the client
// certificate cannot: it is its own canary.
func allSecrets(c clientPEM, authorities string) map[string]string {
	return map[string]string{
		"netrc":           "machine other.example login bot password " + canary + "-netrc\n",
		"known_hosts":     "# " + canary + "\n",
		"pip-cert":        "# " + canary + "\n" + authorities,
		"pip-client-cert": "# " + canary + "\n" + c.pem,
		"user":            "bot-" + canary,
		"password":        canary + "-password",
		"token":           canary + "-token\n",
	}
}

// secretFiles writes secrets to files, and returns the options by which the client gives them.
func secretFiles(t *testing.T, secrets map[string]string) []string {
	t.Helper()
	dir := contextDir(t, secrets)
	var args []string
	for _, id := range slices.Sorted(maps.Keys(secrets)) {
		args = append(args, "--secret", "id="+id+",src="+filepath.Join(dir, id))
	}
	return args
}

// keyLine returns a line of the key in a PEM file.
func keyLine(t *testing.T, pem string) string {
	t.Helper()
	_, key, ok := strings.Cut(pem, "-----BEGIN PRIVATE KEY-----\n")
	require.True(t, ok)
	line, _, _ := strings.Cut(key, "\n")
	require.Greater(t, len(line), 40)
	return line
}

// nosyIndex is a private index with a package that looks for secrets as it is built, and with
// what that is built with. The spec asks for the package, and the secrets let it in.
func nosyIndex(t *testing.T) (spec string, secrets map[string]string) {
	t.Helper()
	index := newIndex(t)
	open := httptest.NewServer(index) // would answer anybody
	t.Cleanup(open.Close)
	for _, requirement := range []string{"helper", "late"} {
		index.add(wheel(t, requirement, "1.0", map[string]string{requirement + ".py": ""}))
	}
	index.add(nosy(t, open.Listener.Addr()))
	guard, c := &guard{index: index}, clientCertificate(t)
	address, authorities := encrypted(t, guard, c)
	secrets = allSecrets(c, authorities)
	guard.user, guard.password = secrets["user"], secrets["password"]
	parsed, err := url.Parse(address)
	require.NoError(t, err)
	return minimal + "pip: {packages: [nosy], index-url: " + address + ", credentials: [" +
		"{host: '" + parsed.Host + "', username-secret: user, password-secret: password}, {host: other.example, token-secret: token}]}\n", secrets
}

// Nothing that leaves the builder has a secret in it, of whatever kind: no layer, configuration,
// history, provenance, SBOM, cache or log. The package that is built looks for them too.
func TestIntegrationSecretsLeaveTheBuilderNowhere(t *testing.T) {
	x := newBuildx(t, sharedDaemon)
	generator := pushGenerator(t, x.env)
	spec, secrets := nosyIndex(t)
	agentKey := sshKey(t)
	agentPEM, err := os.ReadFile(agentKey)
	require.NoError(t, err)
	dir := contextDir(t, map[string]string{"Dockerfile": spec})
	args := append(secretFiles(t, secrets), "--ssh", "default="+agentKey, "--build-arg", "PIP_NO_INDEX=", "--build-arg", "PIP_FIND_LINKS=")

	canaries := newSearch(map[string]string{
		"a canary":         canary,
		"the agent's key":  keyLine(t, string(agentPEM)),
		"the client's key": keyLine(t, secrets["pip-client-cert"]),
	})
	for target, there := range map[string]string{"final": "answer = 42", "buildroot": "chroot-pip"} {
		l := x.leave(generator, dir, target, args...)
		require.Empty(t, canaries.throughAll(t, l), target)

		// What is looked through is all of it.
		for _, tree := range []string{l.res.Layout, l.cache} {
			require.NotEmpty(t, newSearch(map[string]string{target: there}).below(t, tree))
		}
		require.NotEmpty(t, attestations[provenance](t, l.res.Layout, typeProvenance))
		require.NotEmpty(t, attestations[spdx](t, l.res.Layout, typeSPDX))
	}
}

// The search finds what is put somewhere on purpose.
func TestIntegrationSecretsAreFoundWhereTheyAre(t *testing.T) {
	x := newBuildx(t, sharedDaemon)
	_, archive := wheel(t, "leaky", "1.0", map[string]string{"leaky.py": strings.Repeat("password = '"+canary+"'\n", 9)})
	dir := contextDir(t, map[string]string{
		"Dockerfile": minimal + "files: [{from: leaky.whl, to: /app/}]\nlabels: {x-password: " + canary + "}\n",
		"leaky.whl":  archive,
	})
	require.NotContains(t, archive, canary, "it is compressed")
	l := x.leave(pushGenerator(t, x.env), dir, "final")
	s := newSearch(map[string]string{"a canary": canary})

	require.NotEmpty(t, s.in(t, "configuration", l.res.Image.RawConfig))
	for name, tree := range map[string]string{"image": l.res.Layout, "cache": l.cache} {
		require.Contains(t, strings.Join(s.below(t, tree), "\n"), "!!app/leaky.whl!leaky.py", name)
	}
	var plain int
	for _, place := range s.below(t, l.res.Layout) {
		if !strings.Contains(place, "!") {
			plain++
		}
	}
	require.Equal(t, 2, plain, "the configuration, and the spec in the provenance")
}
