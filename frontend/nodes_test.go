package frontend_test

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// startDaemon starts one more daemon, which has built nothing yet.
func startDaemon(t *testing.T, env *testenv.Env) *testenv.Daemon {
	t.Helper()
	daemon, err := env.StartDaemon(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, daemon.Close()) })
	return daemon
}

// A builder of two nodes builds each platform where that belongs, and what comes of it is one
// image.
func TestIntegrationTwoNodes(t *testing.T) {
	env := shared.Env(t)
	testenv.RequireAlpine(t) // the stand-in is of one platform
	pushFrontend(t, env)
	nodes := map[string]*testenv.Daemon{"linux/amd64": startDaemon(t, env), "linux/arm64": startDaemon(t, env)}
	r := newReader(t, env)
	create := []string{"create", "--name", "fleet", "--driver", "remote"}
	for _, platform := range slices.Sorted(maps.Keys(nodes)) {
		out, err := r.run(r.buildx, append(create, "--platform", platform, nodes[platform].Address)...)
		require.NoError(t, err, out)
		create = append(create, "--append")
	}
	for kind, dockerfile := range map[string]string{
		"spec":       minimal + "packages: [hello-apk]\nfiles: [{from: app.py, to: /app/}]\n",
		"Dockerfile": "#syntax=autumnjolitz/distroless-frontend\nFROM autumnjolitz/distroless-python:3.13-alpine3.20\nCOPY app.py /app/\n",
	} {
		t.Run(kind, func(t *testing.T) {
			dir := contextDir(t, map[string]string{"Dockerfile": dockerfile, "app.py": "print('two nodes')\n"})
			image := env.Registry.Ref("test/two-nodes:" + strings.ToLower(kind))
			out, err := r.run(r.buildx, "build", "--builder", "fleet", "--progress", "plain",
				"--platform", "linux/amd64,linux/arm64", "--push", "--tag", image,
				"--build-arg", "APK_REPOSITORIES="+env.Fixtures.APKRepository(),
				"--build-context", "apk-keys="+filepath.Dir(env.Fixtures.APKKey()), dir)
			require.NoError(t, err, out)
			require.Equal(t, []string{"linux/amd64", "linux/arm64"}, platformsOf(t, image))
			for platform, node := range nodes {
				requireOnlyPlatform(t, node, platform)
			}
		})
	}
}

// platformsOf returns the platforms of an image of the registry, sorted.
func platformsOf(t *testing.T, image string) []string {
	t.Helper()
	ref, err := name.ParseReference(image, name.Insecure)
	require.NoError(t, err)
	index, err := remote.Index(ref, remote.WithContext(t.Context()))
	require.NoError(t, err)
	manifest, err := index.IndexManifest()
	require.NoError(t, err)
	var found []string
	for _, desc := range manifest.Manifests {
		if desc.Platform.OS == "unknown" {
			continue // provenance
		}
		child, err := index.Image(desc.Digest)
		require.NoError(t, err)
		config, err := child.ConfigFile()
		require.NoError(t, err)
		require.Equal(t, desc.Platform.Architecture, config.Architecture)
		found = append(found, desc.Platform.String())
	}
	slices.Sort(found)
	return found
}

// requireOnlyPlatform checks that all a node was asked for is one platform, and that it made that
// itself, root and standard library and all.
func requireOnlyPlatform(t *testing.T, node *testenv.Daemon, platform string) {
	t.Helper()
	builds, err := node.History(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, builds)
	var steps []string
	for _, b := range builds {
		require.Equal(t, platform, b.FrontendAttrs["platform"])
		for _, v := range b.Vertices {
			if v.Ran() {
				steps = append(steps, v.Name)
			}
		}
	}
	for _, step := range []string{"root] install the base packages", "python] compile the standard library", "exporting to image"} {
		require.Contains(t, strings.Join(steps, "\n"), step, platform)
	}
}
