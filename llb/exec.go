package llb

import (
	"cmp"
	"os"
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/pb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/autumnjolitz/distroless-frontend/internal/sourcemap"
	"github.com/autumnjolitz/distroless-frontend/llb/scripts"
)

// BuildRoot is where the buildroot image, and every op that works on a root, has that root.
const BuildRoot = "/d"

// CacheRoot is where they keep what they download.
const CacheRoot = "/var/cache/chroot"

// Where an op finds our scripts, the base image, the user's files, and its output.
const (
	toolsDir = "/distroless"
	opsDir   = toolsDir + "/ops"
	baseDir  = "/base"
	filesDir = "/files"
	outDir   = "/out"
)

// An op is one exec of the graph. What it does to its root file system is thrown away:
// results are what it writes into its mounts.
type op struct {
	name   string   // as the progress shows it: "[group] what it does"
	args   []string // the command; the spec's words stand in it as whole arguments
	env    [][2]string
	mounts []llb.RunOption
	tools  string // where our scripts are, toolsDir unless given
	fetch  bool   // needs the network
	base   bool   // needs the base of the result, in the folder that $BASE_DIR names
	path   string // of the spec, for the source excerpt of a failure: "pip.packages"
	cache  string // of the ops that install packages: which cache of downloads to use
}

// run adds an op on the base image of the build platform.
func (g *Graph) run(o op) llb.ExecState {
	return g.runOn(g.BuildBase.State, g.BuildBase.Platform, o)
}

// runOn adds an op on another file system, such as one with a compiler, and its platform.
func (g *Graph) runOn(st llb.State, platform ocispecs.Platform, o op) llb.ExecState {
	options := []llb.RunOption{
		llb.Args(o.args),
		llb.AddMount(cmp.Or(o.tools, toolsDir), g.scripts, llb.Readonly),
		llb.AddMount("/tmp", llb.Scratch(), llb.Tmpfs()),
		// The order of a set of strings must not decide anything.
		llb.AddEnv("PYTHONHASHSEED", "0"),
		llb.AddEnv("PYTHONDONTWRITEBYTECODE", "1"),
		llb.Network(g.networkOf(o)),
		llb.Platform(platform),
	}
	for _, kv := range o.env {
		options = append(options, llb.AddEnv(kv[0], kv[1]))
	}
	if o.base {
		options = append(options, llb.AddEnv("BASE_DIR", g.baseDir(platform)))
		if !g.isBase(platform) {
			options = append(options, llb.AddMount(baseDir, g.Base.State, llb.Readonly))
		}
	}
	options = append(options, o.mounts...)
	options = append(options, g.Exec...)
	for _, opt := range g.described(o.name, o.path) {
		options = append(options, opt)
	}
	return st.Run(options...)
}

// isBase says whether an op that executes on the base of a platform has that of the result for
// its root. Then it must not be mounted as well: when an op fails for which the frontend waits,
// BuildKit releases a tree that the op has twice once too often, and has no other error then.
func (g *Graph) isBase(platform ocispecs.Platform) bool {
	return platform.OS == g.Base.Platform.OS && platform.Architecture == g.Base.Platform.Architecture
}

// baseDir is where an op that executes on the base of a platform finds that of the result.
func (g *Graph) baseDir(platform ocispecs.Platform) string {
	if g.isBase(platform) {
		return "/"
	}
	return baseDir
}

func (g *Graph) networkOf(o op) pb.NetMode {
	if o.fetch {
		return g.Network
	}
	return pb.NetMode_NONE
}

// maxName is what of a name fits on a line of most screens.
const maxName = 100

// described gives a vertex its name and the place in the spec it comes from, and has it run
// anew if the client said so of its group: the word in brackets that the name begins with.
//
// Clients print one line for all vertices of a progress group, so each name is one.
func (g *Graph) described(name, path string) []llb.ConstraintsOpt {
	group, _, _ := strings.Cut(strings.TrimPrefix(name, "["), "]")
	if runes := []rune(name); len(runes) > maxName-len(g.suffix) {
		name = string(runes[:maxName-len(g.suffix)-1]) + "…"
	}
	name += g.suffix
	if g.NamePrefix != "" {
		name = "[" + g.NamePrefix + " " + strings.TrimPrefix(name, "[")
	}
	options := []llb.ConstraintsOpt{
		llb.WithCustomName(name),
		llb.ProgressGroup(name, name, false),
	}
	if g.NoCache != nil && g.NoCache(group) {
		options = append(options, llb.IgnoreCache)
	}
	if path != "" {
		options = append(options, g.SourceMap.Location(sourcemap.Ranges(g.Locate(path))))
	}
	return options
}

// describedFor does so for an op that executes nothing: its platform, which would else be the
// one the whole graph is marshalled for, tells it apart from the same op for another.
func (g *Graph) describedFor(platform ocispecs.Platform, name, path string) []llb.ConstraintsOpt {
	return append(g.described(name, path), llb.Platform(platform))
}

// cacheMount is a directory below CacheRoot that outlives the op, shared by the ops that give
// the same words. Others wait for it, since neither apk nor pip promises to share one.
func (g *Graph) cacheMount(tool string, words ...string) llb.RunOption {
	platform := g.Base.Platform
	id := path.Join(g.CacheNamespace, "distroless", path.Join(words...), platform.OS, platform.Architecture, platform.Variant)
	return llb.AddMount(path.Join(CacheRoot, tool), llb.Scratch(), llb.AsPersistentCacheDir(id, llb.CacheMountLocked))
}

// scriptsState holds our scripts. One file op makes it, and no op but ours sees it.
func scriptsState(platform ocispecs.Platform) llb.State {
	var action *llb.FileAction
	add := func(name string, dir bool, data []byte) error {
		next := mkfile
		if dir {
			next = mkdir
		}
		action = next(action, "/"+name, data)
		return nil
	}
	if err := scripts.Walk(add); err != nil {
		// The files are compiled in: a failure is a defect of this program.
		panic(err)
	}
	return llb.Scratch().File(action, llb.Platform(platform), llb.WithCustomName("[internal] load our scripts"))
}

func mkdir(chain *llb.FileAction, name string, _ []byte) *llb.FileAction {
	if chain == nil {
		return llb.Mkdir(name, 0o755)
	}
	return chain.Mkdir(name, 0o755)
}

func mkfile(chain *llb.FileAction, name string, data []byte) *llb.FileAction {
	mode := os.FileMode(0o755)
	if path.Ext(name) == ".py" {
		mode = 0o644
	}
	if chain == nil {
		return llb.Mkfile(name, mode, data)
	}
	return chain.Mkfile(name, mode, data)
}

// located says where in the spec an error comes from.
func (g *Graph) located(err error, path string) error {
	return parser.WithLocation(err, g.Locate(path))
}
