package llb

import (
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/require"
)

const tested = minimal + `
user: nonroot
workdir: /app
env: {A: image, B: image}
volumes: [/data]
writable: [/var/lib/app]
entrypoint: [serve]
cmd: [--fast]
expose: [8080]
tests:
  - run: [a, "b c"]
    env: {B: test}
  - run: echo $A
    network: true
    user: root
    workdir: /srv
    timeout: 1500ms
  - http: /health
  - exists: [/a]
`

// gateExecs are the ops of the tests, each the last but one of its own graph.
func gateExecs(t *testing.T, g *Graph) []*pb.Op {
	t.Helper()
	gates, err := g.Gates()
	require.NoError(t, err)
	var execs []*pb.Op
	for _, gate := range gates {
		def, err := gate.State.Marshal(t.Context(), llb.Platform(g.Base.Platform))
		require.NoError(t, err)
		all := ops(t, def)
		require.Empty(t, all[len(all)-1].Op)
		execs = append(execs, all[len(all)-2])
	}
	return execs
}

// task returns what a test has its driver do.
func task(t *testing.T, g *Graph, i int) []string {
	t.Helper()
	gates, err := g.Gates()
	require.NoError(t, err)
	def, err := gates[i].State.Marshal(t.Context(), llb.Platform(g.Base.Platform))
	require.NoError(t, err)
	for _, op := range ops(t, def) {
		for _, action := range op.GetFile().GetActions() {
			if file := action.GetMkfile(); file.GetPath() == "/task" {
				return strings.Split(string(file.Data), "\x00")
			}
		}
	}
	t.Fatal("there is no task")
	return nil
}

func TestTestsChangeNoOpOfTheImage(t *testing.T) {
	plain, _, _ := strings.Cut(tested, "tests:")
	require.Equal(t, digests(t, testGraph(t, plain, nil)), digests(t, testGraph(t, tested, nil)))
}

func TestGatesRunAsTheImageDoes(t *testing.T) {
	g := testGraph(t, tested, func(o *Options) {
		o.Exec = []llb.RunOption{llb.WithProxy(llb.ProxyEnv{HTTPProxy: "http://proxy.example"})}
	})
	execs := gateExecs(t, g)
	require.Len(t, execs, 4)
	for i, want := range []struct {
		user, dir string
		network   pb.NetMode
		env       string
		task      string
	}{
		{"nonroot", "/app", pb.NetMode_NONE, "B=test", "-- a b c"},
		{"root", "/srv", pb.NetMode_UNSET, "B=image", "--timeout=1.5 -- /usr/bin/dash -c echo $A"},
		{"nonroot", "/app", pb.NetMode_NONE, "B=image", "--port=8080 --path=/health -- serve --fast"},
	} {
		exec := execs[i].GetExec()
		require.Equal(t, want.user, exec.Meta.User)
		require.Equal(t, want.dir, exec.Meta.Cwd)
		require.Equal(t, want.network, exec.Network)
		require.Equal(t, pb.SecurityMode_SANDBOX, exec.Security)
		require.Contains(t, exec.Meta.Env, "A=image")
		require.Contains(t, exec.Meta.Env, want.env)
		require.Equal(t, want.network == pb.NetMode_NONE, exec.Meta.ProxyEnv == nil)
		require.True(t, strings.HasSuffix(strings.Join(task(t, g, i), " "), want.task))
		root := slices.IndexFunc(exec.Mounts, func(m *pb.Mount) bool { return m.Dest == "/" })
		require.True(t, exec.Mounts[root].Readonly)
		for _, dir := range []string{"/data", "/var/lib/app"} {
			i := slices.IndexFunc(exec.Mounts, func(m *pb.Mount) bool { return m.Dest == dir })
			require.GreaterOrEqual(t, i, 0, dir)
			require.False(t, exec.Mounts[i].Readonly, dir)
			require.Equal(t, int64(pb.SkipOutput), exec.Mounts[i].Output, dir)
		}
	}
}

// Nothing of an image is executed that the daemon cannot execute; its files can be looked at.
func TestGatesOfAnotherPlatform(t *testing.T) {
	foreign := func(emulated bool) *Graph {
		return testGraph(t, tested, func(o *Options) { o.Base, o.Emulated = testBase(t, "arm64"), emulated })
	}
	execs := gateExecs(t, foreign(false))
	require.Len(t, execs, 1)
	require.Equal(t, "amd64", execs[0].Platform.Architecture)
	at, untested := foreign(false).Untested()
	require.True(t, untested)
	require.Equal(t, "tests[0]", at)
	_, err := foreign(false).Tests()
	require.ErrorContains(t, err, "cannot be run for linux/arm64")

	execs = gateExecs(t, foreign(true))
	require.Len(t, execs, 4)
	require.Equal(t, "arm64", execs[0].Platform.Architecture)
	_, untested = foreign(true).Untested()
	require.False(t, untested)
}

// On the network of the host, something else may answer.
func TestGatesAskNoServerOnTheNetworkOfTheHost(t *testing.T) {
	onHost := func(o *Options) { o.Network = pb.NetMode_HOST }
	require.Equal(t, pb.NetMode_HOST, gateExecs(t, testGraph(t, tested, onHost))[1].GetExec().Network, "a command may use it")
	_, err := testGraph(t, tested, onHost).Gates()
	require.NoError(t, err)
	_, err = testGraph(t, tested+"  - {http: /, network: true}\n", onHost).Gates()
	require.ErrorContains(t, err, "something else may answer on the port of the server")
	var located *parser.LocationError
	require.ErrorAs(t, err, &located)
	_, err = testGraph(t, tested+"  - {http: /, network: true}\n", nil).Gates()
	require.NoError(t, err)
}
