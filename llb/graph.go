package llb

import (
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/pb"
	"github.com/pkg/errors"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// Options is everything a graph depends on, for one platform.
type Options struct {
	Spec *spec.Spec
	// Locate returns the place of a key of the spec, such as "pip.packages", in the source.
	Locate    func(path string) []parser.Range
	SourceMap *llb.SourceMap

	// Base is the image that the interpreter is taken from, for the platform of the result.
	Base Base
	// BuildBase is that image for the platform of the daemon, which is what ops execute on.
	// Where the two platforms are one, it is Base.
	BuildBase Base
	// Emulated says that the daemon executes programs of Base.Platform where that is not its own.
	Emulated bool

	// Context returns the build context of that name, "" being the main one, with at least
	// the ContextPaths of it; ok is false if the client gave no such context. It is asked
	// only for what the spec uses.
	Context func(name string) (st llb.State, ok bool, err error)

	// PipFiles returns the paths of the main context that requirements files of it name. It is
	// asked only if pip is to run.
	PipFiles func() ([]string, error)
	// Declared returns what a pyproject.toml or a lock of the main context has pip do, or nil if
	// the spec names neither. It is asked only if pip is to run.
	Declared func() (*Declared, error)

	// HasSources tells whether a tree that pip downloaded has source distributions. It is asked
	// only for a foreign platform that is Emulated, since to build what turns out to be none
	// costs an emulated step.
	HasSources func(downloads llb.State) (bool, error)

	// Read has the daemon make a tree and returns the content of a file of it; meanwhile it has
	// it make another, which the image needs whatever the content is. If it is nil, no image is
	// looked through for shared libraries.
	Read func(tree llb.State, name string, meanwhile llb.State) ([]byte, error)

	Overrides Overrides

	// Exec is what the client wants of everything that executes: hosts, limits, proxies.
	Exec []llb.RunOption
	// Network is that of the ops that fetch something; all others have none.
	Network pb.NetMode
	// CacheNamespace keeps the cache mounts of one client's builds apart from another's.
	CacheNamespace string

	// Merge says whether the daemon has MergeOp. Docker Engine 20.10 has not.
	Merge bool
	// CopyPatterns says whether the daemon copies by patterns. Docker Engine 20.10 does not.
	CopyPatterns bool
	// NoCache says whether the ops of a group must run even if they are cached.
	NoCache func(group string) bool
	// NamePrefix starts the name of every op, so that platforms can be told apart.
	NamePrefix string
	// BuildNamePrefix does so for the ops that platforms have in common.
	BuildNamePrefix string
}

// Graph makes the states of the images of one spec for one platform.
type Graph struct {
	Options
	scripts llb.State
	parts   []Part     // of the standard library, to leave out
	plan    *llb.State // of what trim leaves out of the root; nil for nothing
	suffix  string     // of the names of ops that are there twice
}

// New returns the graph of the given options, or an error at the place in the spec that no
// graph can be made of.
func New(o Options) (*Graph, error) {
	parts, err := leftOut(o.Spec.Stdlib.Include)
	if err != nil {
		return nil, parser.WithLocation(errors.Wrap(err, "stdlib.include"), o.Locate("stdlib.include"))
	}
	if err := o.checkTrimmable(); err != nil {
		return nil, err
	}
	return &Graph{Options: o, scripts: scriptsState(o.BuildBase.Platform), parts: parts}, nil
}

// mergeName is that of the steps which put the image together. Clients show them as one.
const mergeName = "[final] put the image together"

// Final returns the file system of the distroless image: the root with the user's packages,
// the interpreter and its standard library, what pip installed, and the user's files.
func (g *Graph) Final() (llb.State, error) {
	runtime := g.runtime
	if g.Spec.Trim != nil {
		runtime = g.trimmed
	}
	layers, err := runtime()
	if err != nil {
		return llb.State{}, err
	}
	installed, err := g.pip()
	if err != nil {
		return llb.State{}, err
	}
	return g.image(layers, installed)
}

// image returns the file system of an image: of the layers that run Python, the root first and
// the standard library last, of what pip installed, and of the rest of the spec.
func (g *Graph) image(layers, installed []llb.State) (llb.State, error) {
	root, looked, err := g.libraries(layers, installed)
	if err != nil {
		return llb.State{}, err
	}
	layers = append([]llb.State{g.workdir(g.users(root))}, layers[1:]...)
	layers = append(append(layers, installed...), g.healthcheckScript()...)
	return g.application(g.directories(g.merge(mergeName, layers, looked...)))
}

// runtime returns the layers that run Python, the root first, and nothing of the application.
func (g *Graph) runtime() ([]llb.State, error) {
	root, err := g.packages()
	if err != nil {
		return nil, err
	}
	return []llb.State{root, g.interpreter(), g.stdlib()}, nil
}

// merge lays trees over one another. No file is in two of them, and folders that are have one
// owner and mode, so where the daemon has no MergeOp, copying gives the same in as many layers.
//
// The result needs what is known as well, and has nothing of it: the frontend has read that to
// make this graph, and who builds from an exported cache is to find it there.
func (g *Graph) merge(name string, layers []llb.State, known ...llb.State) llb.State {
	options := g.describedFor(g.Base.Platform, name, "")
	if g.Merge {
		for _, tree := range known {
			// The difference of a tree to itself is no layer.
			layers = append(layers, llb.Diff(tree, tree, g.internal("keep what is known of the image")...))
		}
		return llb.Merge(layers, options...)
	}
	merged := layers[0]
	for i, layer := range layers[1:] {
		copied := llb.Copy(layer, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true})
		if i == 0 {
			for _, tree := range known {
				copied = copied.Copy(tree, "/none*", "/", &llb.CopyInfo{AllowWildcard: true, AllowEmptyWildcard: true})
			}
		}
		merged = merged.File(copied, options...)
	}
	return merged
}
