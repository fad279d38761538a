package llb

import (
	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
)

// shared returns the graph for the build platform, from which the graphs of all platforms take
// what is the same for each. Its ops are theirs: one vertex makes it.
func (g *Graph) shared() *Graph {
	s := *g
	s.Base, s.NamePrefix = g.BuildBase, g.BuildNamePrefix
	return &s
}

// foreign says whether the image is for another architecture than ops execute on: then
// nothing of its base may be executed, unless it is Emulated.
func (g *Graph) foreign() bool {
	built, target := g.BuildBase.Platform, g.Base.Platform
	return built.OS != target.OS || built.Architecture != target.Architecture
}

// runWithScripts adds an op that installs packages whose scripts may have to run: it executes
// on the base of the result, or, where that cannot be, on that of the build platform, and is
// told the platform whose scripts it cannot run.
func (g *Graph) runWithScripts(o op) llb.ExecState {
	if g.foreign() && !g.Emulated {
		o.env = append(o.env, [2]string{"FOREIGN_PLATFORM", platforms.Format(g.Base.Platform)})
		return g.run(o)
	}
	return g.runOn(g.Base.State, g.Base.Platform, o)
}
