package llb

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/pb"
	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

const trimmed = everything + `
trim:
  run: [[python, -V], python -V]
  requests: [http://localhost:8080/]
  keep: [sqlite3]
`

// scriptOps returns the ops that run one of our scripts.
func scriptOps(t *testing.T, g *Graph, script string) []*pb.Op {
	t.Helper()
	return slices.DeleteFunc(ops(t, marshal(t, g, (*Graph).Final)), func(op *pb.Op) bool {
		return !slices.ContainsFunc(op.GetExec().GetMeta().GetArgs(), func(arg string) bool {
			return arg == path.Join(opsDir, script) || arg == path.Join(tracerTools, "ops", script)
		})
	})
}

func TestTrimIsDeterministic(t *testing.T) {
	for _, target := range []func(*Graph) (llb.State, error){(*Graph).Final, (*Graph).TrimReport} {
		first := marshal(t, testGraph(t, trimmed, nil), target)
		for range 25 {
			require.Equal(t, first.Def, marshal(t, testGraph(t, trimmed, nil), target).Def)
		}
	}
}

// Each command has an op of its own, for its line of the spec and for the cache.
func TestTrimTracesEachCommand(t *testing.T) {
	var commands []string
	for _, op := range scriptOps(t, testGraph(t, trimmed, nil), "trace.py") {
		meta := op.GetExec().GetMeta()
		_, command, found := strings.Cut(strings.Join(meta.Args, " "), " -- ")
		require.True(t, found)
		commands = append(commands, command)
		require.Equal(t, pb.NetMode_NONE, op.GetExec().Network)
		require.Equal(t, pb.SecurityMode_SANDBOX, op.GetExec().Security)
	}
	slices.Sort(commands)
	require.Equal(t, []string{
		"/usr/bin/dash -c python -V",
		"/usr/local/bin/python",
		"/usr/local/bin/python -I -X frozen_modules=off /dev/.distroless-tools/ops/kept.py sqlite3",
		"python -V",
	}, commands)
}

// A signal is passed on as its number: Python has no name for all that an image may have.
func TestTrimStopsTheServerByNumber(t *testing.T) {
	for name, number := range map[string]string{"SIGINT": "2", "sigterm": "15", "9": "9", "SIGRTMIN+3": "37"} {
		g := testGraph(t, trimmed+"stopsignal: "+name+"\n", nil)
		stopped := slices.ContainsFunc(scriptOps(t, g, "trace.py"), func(op *pb.Op) bool {
			return strings.Contains(strings.Join(op.GetExec().GetMeta().GetArgs(), " "), " --stop "+number+" ")
		})
		require.True(t, stopped, name)
	}
}

// What is mounted to trace a command hides nothing that the image has.
func TestTrimMountsNothingOverTheImage(t *testing.T) {
	for _, op := range scriptOps(t, testGraph(t, trimmed, nil), "trace.py") {
		for _, mount := range op.GetExec().GetMounts() {
			if mount.Dest != "/" && mount.Dest != "/tmp" {
				require.True(t, strings.HasPrefix(mount.Dest, "/dev/."), mount.Dest)
			}
		}
	}
}

// What no traced command can see of the configuration runs nothing again.
func TestConfigurationThatIsNotTraced(t *testing.T) {
	plain := digests(t, testGraph(t, trimmed, nil))
	require.Equal(t, plain, digests(t, testGraph(t, strings.Replace(trimmed, "labels: {", "expose: [80]\nlabels: {c: d, ", 1), nil)))
	require.NotEqual(t, plain, digests(t, testGraph(t, strings.Replace(trimmed, "env: {", "env: {C: d, ", 1), nil)), "commands have the environment")
}

// An edit of the application runs again neither what unpacks the library nor what traces the
// interpreter.
func TestTrimOfAnotherApplication(t *testing.T) {
	of := func(text string) (digests []string) {
		g := testGraph(t, text, nil)
		for _, op := range scriptOps(t, g, "kept.py") {
			digests = append(digests, op.String())
		}
		return digests
	}
	one := of(minimal + "trim: {run: [[a]]}\nfiles: [{from: a, to: /a}]\npip: {packages: [flask]}\n")
	require.Len(t, one, 1)
	require.Equal(t, one, of(minimal+"trim: {run: [[b]]}\nfiles: [{from: b, to: /a}]\npackages: [libpq]\nworkdir: /app\n"))
}

// Commands run on the platform of the build, never on another.
func TestTrimExecutesNothingForeign(t *testing.T) {
	g := testGraph(t, trimmed, func(o *Options) { o.Base = testBase(t, "arm64") })
	traces := scriptOps(t, g, "trace.py")
	require.Len(t, traces, 4)
	for _, op := range append(traces, scriptOps(t, g, "trim.py")...) {
		require.Equal(t, "amd64", op.Platform.Architecture)
	}
}

func TestTrimReportNeedsTrim(t *testing.T) {
	_, err := testGraph(t, minimal, nil).TrimReport()
	require.ErrorContains(t, err, "the spec has no trim")
}

// What brings the sources of the library with it cannot be had of a trimmed one.
func TestTrimHasNoSources(t *testing.T) {
	const trim = "trim: {run: [[python, -V]]}\n"
	for _, part := range []string{"sources", "test"} {
		text := minimal + trim + "stdlib:\n  include:\n  - turtle\n  - " + part + "\n"
		s, err := spec.Parse("Dockerfile", []byte(text))
		require.NoError(t, err)
		_, err = New(Options{Spec: s, Locate: s.Location})
		require.ErrorContains(t, err, `stdlib.include: with "`+part+`" the library is on disk as a whole`)
		var located *parser.LocationError
		require.True(t, errors.As(err, &located))
		require.Equal(t, 7, located.Locations[0][0].Start.Line)

		testGraph(t, strings.Replace(text, trim, "", 1), nil)
	}
	testGraph(t, minimal+trim+"stdlib: {include: [turtle]}\n", nil)
}
