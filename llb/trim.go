package llb

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/sys/signal"
	"github.com/pkg/errors"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// planDir is where an op has what trim found: the libraries to leave out, and the report.
const planDir = "/plan"

// Where the op that trims finds what it trims, and the traces.
const (
	interpreterDir = "/interpreter"
	libraryDir     = "/library"
	compiledDir    = "/compiled"
	trimmedDir     = "/trimmed"
	finalDir       = "/final"
	tracesDir      = "/traces"
)

// Where the op that traces has what is not the image's, whose own folders it hides nowhere else:
// those below /dev are made anew for each container.
const (
	tracerTools = "/dev/.distroless-tools"
	tracerBase  = "/dev/.distroless-base"
	tracerOut   = "/dev/.distroless-out"
)

// checkTrimmable returns an error if there is a trim for which the library has the wrong form:
// bytecode beside its source is loaded, while only the other of the two is opened.
func (o *Options) checkTrimmable() error {
	if o.Spec.Trim == nil {
		return nil
	}
	for i, name := range o.Spec.Stdlib.Include {
		parts, err := leftOut([]string{name})
		if err != nil || slices.ContainsFunc(parts, func(p Part) bool { return p.Name == sourcesPart }) {
			continue
		}
		return parser.WithLocation(errors.Errorf("stdlib.include: with %q the library is on disk as a whole, with its sources, "+
			"and trim cannot leave out any of it: remove it, or trim", name), o.Locate(spec.Index("stdlib.include", i)))
	}
	return nil
}

// trimmed returns the layers that run Python without what nothing opened in the commands of
// the spec.
func (g *Graph) trimmed() ([]llb.State, error) {
	python, plan, err := g.trim()
	if err != nil {
		return nil, err
	}
	rooted := *g
	rooted.plan = &plan
	root, err := rooted.packages()
	return []llb.State{root, python}, err
}

// TrimReport returns a tree of what trim has to tell of its work.
func (g *Graph) TrimReport() (llb.State, error) {
	if g.Spec.Trim == nil {
		return llb.State{}, errors.New("the spec has no trim, of which this target is the report: add it, or build the target final")
	}
	_, plan, err := g.trim()
	return plan, err
}

// trim returns the tree of the interpreter and its library, and that of the plan. The commands
// run on the build platform, for every platform.
func (g *Graph) trim() (python, plan llb.State, err error) {
	traces, err := g.shared().traces()
	if err != nil {
		return llb.State{}, llb.State{}, err
	}
	python, report := g.leaveOut(traces)
	plan, err = g.leaveOutLibraries(traces, python, report)
	return python, plan, err
}

// leaveOut returns the tree of the interpreter and its library without what is in no trace, and
// what there is to report of it.
func (g *Graph) leaveOut(traces []llb.State) (python, report llb.State) {
	opened, mounts := mountTraces(traces)
	args := append([]string{
		opsDir + "/settled.sh", planDir, "python", opsDir + "/trim.py",
		"--interpreter", interpreterDir, "--library", libraryDir, "--out", outDir, "--plan", planDir,
		"--python-dir", toolsDir + "/python", "--compression", string(g.compression()),
	}, opened...)
	args = appendFlag(args, "--keep", g.Spec.Trim.Keep)
	for _, part := range g.parts {
		args = appendFlag(args, "--said", part.Modules)
	}
	packed := g.run(op{
		name: "[trim] leave out what nothing opened",
		args: g.settled(appendFlag(args, "--said", g.Spec.Stdlib.Exclude)),
		mounts: append(mounts,
			llb.AddMount(interpreterDir, g.interpreter(), llb.Readonly),
			llb.AddMount(libraryDir, g.unpacked(), llb.Readonly),
		),
		env:  g.importing(libraryDir),
		path: "trim",
	})
	return packed.AddMount(outDir, llb.Scratch()), packed.AddMount(planDir, llb.Scratch())
}

// leaveOutLibraries returns the plan for the root: what nothing in the image needs.
func (g *Graph) leaveOutLibraries(traces []llb.State, python, report llb.State) (llb.State, error) {
	final, err := g.traceable()
	if err != nil {
		return llb.State{}, err
	}
	opened, mounts := mountTraces(traces)
	args := append([]string{
		"python", opsDir + "/trim_libraries.py",
		"--interpreter", interpreterDir, "--compiled", compiledDir, "--trimmed", trimmedDir,
		"--final", finalDir, "--base", g.baseDir(g.BuildBase.Platform), "--plan", planDir, "--out", outDir,
	}, opened...)
	found := g.run(op{
		name: "[trim] find the libraries that nothing needs",
		args: g.settled(args),
		mounts: append(mounts,
			llb.AddMount(interpreterDir, g.interpreter(), llb.Readonly),
			llb.AddMount(compiledDir, g.stdlib(), llb.Readonly),
			llb.AddMount(trimmedDir, python, llb.Readonly),
			llb.AddMount(planDir, report, llb.Readonly),
			llb.AddMount(finalDir, final, llb.Readonly),
		),
		env:  g.importing(finalDir),
		base: true,
		path: "trim",
	})
	return found.AddMount(outDir, llb.Scratch()), nil
}

// mountTraces returns the arguments by which a script finds the traces, and their mounts.
func mountTraces(traces []llb.State) (args []string, mounts []llb.RunOption) {
	for i, trace := range traces {
		dir := path.Join(tracesDir, strconv.Itoa(i))
		mounts = append(mounts, llb.AddMount(dir, trace, llb.Readonly))
		args = append(args, "--opened", dir+"/opened")
	}
	return args, mounts
}

// unpacked returns the tree of the standard library with a file for each module.
func (g *Graph) unpacked() llb.State {
	native := g
	if g.Base.Python == g.BuildBase.Python {
		native = g.shared()
	}
	unpacked := native.run(op{
		name:   "[trim] unpack the standard library",
		args:   []string{"python", opsDir + "/unpack.py", compiledDir, outDir},
		mounts: []llb.RunOption{llb.AddMount(compiledDir, g.stdlib(), llb.Readonly)},
		env:    native.importing(compiledDir),
		path:   "trim",
	})
	return unpacked.AddMount(outDir, llb.Scratch())
}

// importing has the Python of an op import the standard library of the tree that is mounted at a
// folder, as far as it is that one's: the base has only sources, and to compile what an op imports
// of them takes longer than all else that most do.
func (g *Graph) importing(tree string) [][2]string {
	if g.Base.Python != g.BuildBase.Python || len(g.Spec.Stdlib.Exclude) > 0 {
		return nil
	}
	zip := "python" + strings.ReplaceAll(g.Base.PythonXY(), ".", "") + ".zip"
	return [][2]string{{"PYTHONPATH", path.Join(tree, "usr/local/lib", zip)}}
}

// traceable returns the file system of the final image before it is trimmed, in which opening
// a module of the standard library is opening a file.
func (g *Graph) traceable() (llb.State, error) {
	root, err := g.packages()
	if err != nil {
		return llb.State{}, err
	}
	installed, err := g.pip()
	if err != nil {
		return llb.State{}, err
	}
	named := *g
	named.suffix = ", for trim"
	return named.image([]llb.State{root, g.interpreter(), g.unpacked()}, installed)
}

// traces returns the traces of what stays in any case, and of the commands of the spec.
func (g *Graph) traces() ([]llb.State, error) {
	kept, err := g.traceOfKept()
	if err != nil {
		return nil, err
	}
	image, err := g.traceable()
	if err != nil {
		return nil, err
	}
	config := g.FinalImage(nil).Config
	traces := []llb.State{kept}
	for i, command := range g.Spec.Trim.Run {
		args := words(&command, config.Shell)
		if slices.ContainsFunc(g.Spec.Trim.Run[:i], func(other spec.Command) bool { return slices.Equal(words(&other, config.Shell), args) }) {
			continue // the same trace, and one tree for two mounts
		}
		traces = append(traces, g.trace(image, op{
			name: "[trim] trace " + strings.Join(command.Args, " "),
			args: append(g.asImage(), append([]string{"--"}, args...)...),
			path: spec.Index("trim.run", i),
		}))
	}
	if requests := g.Spec.Trim.Requests; len(requests) > 0 {
		args := appendFlag(g.asImage(), "--request", requests)
		if config.StopSignal != "" {
			number, err := signal.ParseSignal(config.StopSignal)
			if err != nil {
				return nil, g.located(err, "stopsignal")
			}
			args = append(args, "--stop", strconv.Itoa(int(number))) // Python has no name for SIGRTMIN+3
		}
		if h := config.Healthcheck; h != nil && len(h.Test) > 1 {
			args = appendFlag(args, "--check", h.Test[1:]) // which begins with CMD: see healthcheck
		}
		traces = append(traces, g.trace(image, op{
			name: "[trim] trace the answers to " + strings.Join(requests, " "),
			args: append(append(append(args, "--"), config.Entrypoint...), config.Cmd...),
			path: "trim.requests",
		}))
	}
	return traces, nil
}

// asImage returns the arguments of trace.py that have a command run as in a container.
func (g *Graph) asImage() []string {
	config := g.FinalImage(nil).Config
	args := []string{"--user", cmp.Or(config.User, "0"), "--workdir", config.WorkingDir}
	return appendFlag(args, "--env", config.Env)
}

// traceOfKept traces what every image has, and what the spec keeps. It knows nothing of the
// application, so an edit of that does not run it again.
func (g *Graph) traceOfKept() (llb.State, error) {
	root, err := g.root()
	if err != nil {
		return llb.State{}, err
	}
	at := "trim"
	if len(g.Spec.Trim.Keep) > 0 {
		at = "trim.keep"
	}
	python := []string{"/usr/local/bin/python", "-I", "-X", "frozen_modules=off", tracerTools + "/ops/kept.py"}
	if _, ok := g.Spec.Probe(); ok {
		python = append(python, "--script", tracerTools+healthcheckSource)
	}
	runtime := g.merge("[final] put the root together, for trim", []llb.State{root, g.interpreter(), g.unpacked()})
	return g.trace(runtime, op{
		name: "[trim] trace what stays in any case",
		args: append(append([]string{"--user", "0", "--workdir", "/", "--"}, python...), g.Spec.Trim.Keep...),
		path: at,
	}), nil
}

// trace adds an op on the root of an image that gives what a command opens. It is traced by the
// Python of the base, so that what traces it is not in the trace.
func (g *Graph) trace(root llb.State, o op) llb.State {
	o.args = append([]string{path.Join(tracerBase, "usr/local/bin/python"), tracerTools + "/ops/trace.py", "--out", tracerOut}, o.args...)
	o.mounts = []llb.RunOption{llb.AddMount(tracerBase, g.Base.State, llb.Readonly)}
	o.env = g.importing("/")
	o.tools = tracerTools
	return g.runOn(root, g.Base.Platform, o).AddMount(tracerOut, llb.Scratch())
}
