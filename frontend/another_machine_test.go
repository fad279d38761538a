package frontend_test

import (
	"strings"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// made returns the names of the steps that made something: sources, what is asked of the
// client, and exports have no inputs.
func made(res *testenv.BuildResult) []string {
	var names []string
	for _, v := range res.Vertices {
		if len(v.Inputs) > 0 && v.Ran() {
			names = append(names, v.Name)
		}
	}
	return names
}

// What one machine has built, another that has never built takes from the registry: it runs
// nothing, asks no mirror, and exports the same layers.
func TestIntegrationCacheOnAnotherMachine(t *testing.T) {
	env := shared.Env(t)
	app := cachingApp()
	buildroot := cachingApp()
	buildroot.Target = "buildroot"
	for name, b := range map[string]build{
		"final":      app,
		"buildroot":  buildroot,
		"Dockerfile": {spec: httpie},
	} {
		t.Run(name, func(t *testing.T) {
			cache := map[string]string{"ref": env.Registry.Ref("test/cache:" + strings.ToLower(name)), "mode": "max"}
			b.CacheExports = []client.CacheOptionsEntry{{Type: "registry", Attrs: cache}}
			first := b.must(t)

			b.CacheExports = nil
			b.CacheImports = []client.CacheOptionsEntry{{Type: "registry", Attrs: map[string]string{"ref": cache["ref"]}}}
			second := startDaemon(t, env)
			env.Fixtures.ResetRequests()
			res, err := second.Build(t.Context(), b.on(t, env))
			require.NoError(t, err, res.Log())
			require.Empty(t, made(res))
			require.Empty(t, env.Fixtures.Requests(""))
			require.Equal(t, first.Image.Layers, res.Image.Layers)
			// The daemon's own notes on where it has layers from, the history, do differ.
			require.Equal(t, first.Image.Config.Config, res.Image.Config.Config)
		})
	}
}
