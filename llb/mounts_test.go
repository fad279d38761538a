package llb

import (
	"strings"
	"testing"

	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/require"
)

// full is a spec that has every op of the final image, and says to trace one command twice.
var full = strings.NewReplacer("packages: [flask]", "project: .", "run: [", "run: [python -V, ").Replace(trimmed) +
	"healthcheck: {tcp: 8080}\nusers: [{name: app, uid: 1000}]\nwritable: [/data]\n"

// eachExec calls f for every exec of the final and the debug image of a full spec, for every
// kind of platform.
func eachExec(t *testing.T, f func(*testing.T, *pb.ExecOp)) {
	t.Helper()
	missing := report("libpq.so.5", "/site-packages/gear.so", layerPip, "gear-1.0")
	for name, change := range map[string]func(*Options){
		"native":        func(*Options) {},
		"without merge": func(o *Options) { o.Merge = false },
		"foreign":       func(o *Options) { o.Base = testBase(t, "arm64") },
		"emulated":      func(o *Options) { o.Base, o.Emulated = testBase(t, "arm64"), true },
	} {
		t.Run(name, func(t *testing.T) {
			g := testGraph(t, full, func(o *Options) {
				reports(missing, "")(o)
				o.Declared = func() (*Declared, error) { return &Declared{Dynamic: true}, nil }
				change(o)
			})
			for _, op := range ops(t, marshal(t, g, (*Graph).Debug)) {
				if exec := op.GetExec(); exec != nil {
					f(t, exec)
				}
			}
		})
	}
}

// Of two mounts at one path BuildKit keeps the last, and says nothing.
func TestNoOpHasTwoTreesInOnePlace(t *testing.T) {
	eachExec(t, func(t *testing.T, exec *pb.ExecOp) {
		seen := map[string]bool{}
		for _, mount := range exec.Mounts {
			require.False(t, seen[mount.Dest], "%s in %v", mount.Dest, exec.Meta.Args)
			seen[mount.Dest] = true
		}
	})
}

// When an op fails for which the frontend waits, and has one tree for two mounts, BuildKit says
// nothing but that it released a reference twice.
func TestNoOpHasATreeTwice(t *testing.T) {
	eachExec(t, func(t *testing.T, exec *pb.ExecOp) {
		seen := map[int64]string{}
		for _, mount := range exec.Mounts {
			require.False(t, mount.Input >= 0 && seen[mount.Input] != "", "%s and %s in %v", seen[mount.Input], mount.Dest, exec.Meta.Args)
			seen[mount.Input] = mount.Dest
		}
	})
}
