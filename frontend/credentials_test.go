package frontend_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

const canary = "s3cr3t-canary"

// The build secret netrc lets pip in, and is in nothing that the build leaves.
func TestIntegrationNetrc(t *testing.T) {
	private := minimal + "pip: {packages: [six], index-url: " + newIndex(t).guarded(t, "bot", canary).URL + "/simple}\n"
	log, _ := build{spec: private, BuildRequest: online()}.fails(t)
	require.Contains(t, log, "401")

	req := online()
	req.Secrets = map[string][]byte{"netrc": fmt.Appendf(nil, "machine 127.0.0.1 login bot password %s\n", canary)}
	res := build{spec: private, BuildRequest: req}.must(t)
	require.Equal(t, []string{"six==1.17.0"}, versions(t, res.Image))
	require.NotContains(t, string(res.Image.RawConfig), canary)
	require.NotContains(t, res.Log(), canary)

	rootfs, err := res.Image.Rootfs(t.Context())
	require.NoError(t, err)
	require.NoFileExists(t, filepath.Join(rootfs, "run", "secrets", "netrc"))
	require.NoError(t, filepath.WalkDir(rootfs, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		require.False(t, strings.Contains(string(data), canary), path)
		return err
	}))
}

func TestIntegrationCredentialsInBuildArguments(t *testing.T) {
	for _, name := range []string{"APK_REPOSITORIES", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"} {
		args := map[string]string{name: "https://bot:" + canary + "@mirror.example/x"}
		_, err := build{spec: minimal, BuildRequest: testenv.BuildRequest{BuildArgs: args}}.fails(t)
		require.ErrorContains(t, err, "build argument "+name+": the URL contains credentials")
		require.NotContains(t, err.Error(), canary)
	}
}
