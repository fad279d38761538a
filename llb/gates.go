package llb

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/pkg/errors"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// A Check is an op that fails if an image is not as it has to be, and adds nothing to it.
type Check struct {
	State llb.State
	// Failure is what to say if the op fails, whose output says why.
	Failure string
}

// Where a test has its driver, and what that is to do. Folders below /dev, which is made anew for
// each container, leave no trace in the root that is tested.
const (
	gateTools = "/dev/.distroless-ops"
	gateTask  = "/dev/.distroless-test"
)

// Gates returns the tests of the spec, each an op of its own on the final image. It leaves out
// those that would have to execute what the daemon cannot: see Untested.
func (g *Graph) Gates() ([]Check, error) {
	if len(g.Spec.Tests) == 0 {
		return nil, nil
	}
	final, err := g.Final()
	if err != nil {
		return nil, err
	}
	writable := g.withWritable(final)
	var gates []Check
	for i := range g.Spec.Tests {
		t := &g.Spec.Tests[i]
		gate := Check{Failure: "test failed, see its output: " + g.gateName(t)}
		switch {
		case t.Kind() == spec.TestFiles:
			gate.State = g.filesGate(final, t, spec.Index("tests", i))
		case g.executes():
			if err := g.checkGateNetwork(t, spec.Index("tests", i)); err != nil {
				return nil, err
			}
			gate.State = g.execGate(final, writable, t, spec.Index("tests", i))
		default:
			continue
		}
		gates = append(gates, gate)
	}
	return gates, nil
}

// Tests returns the state of an image that has nothing: what there is when all gates have passed.
func (g *Graph) Tests() (llb.State, error) {
	if len(g.Spec.Tests) == 0 {
		return llb.State{}, errors.New("there is nothing to test: the spec has no tests; add for example tests: [{run: [python, -V]}]")
	}
	if at, untested := g.Untested(); untested {
		return llb.State{}, g.located(errors.New(g.UntestedHelp()), at)
	}
	return llb.Scratch(), nil
}

// Never returns a state that cannot be made: its op fails, if those of another state have not.
func (g *Graph) Never(after llb.State) llb.State {
	failed := g.run(op{
		name:   "[test] find out what failed",
		args:   []string{"sh", "-c", "echo 'a step failed, and did not when it was run again: build once more' >&2; exit 1"},
		mounts: []llb.RunOption{llb.AddMount("/after", after, llb.Readonly)},
	})
	return failed.AddMount(outDir, llb.Scratch())
}

// Untested returns the place of the first test that Gates leaves out, if there is one.
func (g *Graph) Untested() (at string, ok bool) {
	i := slices.IndexFunc(g.Spec.Tests, func(t spec.Test) bool { return t.Kind() != spec.TestFiles })
	if g.executes() || i < 0 {
		return "", false
	}
	return spec.Index("tests", i), true
}

// executes says whether the daemon can execute what is in the image.
func (g *Graph) executes() bool { return !g.foreign() || g.Emulated }

// filesGate looks at the image from the base of the build platform.
func (g *Graph) filesGate(final llb.State, t *spec.Test, path string) llb.State {
	const image = "/image"
	args := []string{"python", opsDir + "/gate_files.py", image}
	args = appendFlag(args, "exists", t.Exists)
	args = appendFlag(args, "absent", t.Absent)
	looked := g.run(op{
		name:   "[test] " + g.gateName(t),
		args:   args,
		mounts: []llb.RunOption{llb.AddMount(image, final, llb.Readonly)},
		path:   path,
	})
	return looked.AddMount(outDir, llb.Scratch())
}

// execGate runs a command in the image as an engine would: as its user and in its environment,
// but read-only. What is a volume or writable can be written to, and what is written is thrown away.
func (g *Graph) execGate(final, writable llb.State, t *spec.Test, path string) llb.State {
	image := g.FinalImage(nil).Config
	for _, kv := range t.Env {
		image.Env = setEnv(image.Env, kv.Key, kv.Value)
	}
	command := append(slices.Clone(image.Entrypoint), image.Cmd...)
	if t.Run != nil {
		command = words(t.Run, image.Shell)
	}
	task := strings.Join(append(append(g.gateOptions(t, image.Env), "--"), command...), "\x00")
	options := []llb.RunOption{
		llb.Args([]string{"/usr/local/bin/python", "-I", "-S", gateTools + "/gate.py", gateTask + "/task"}),
		llb.ReadonlyRootFS(),
		llb.Dir(cmp.Or(t.Workdir, image.WorkingDir)),
		llb.User(cmp.Or(t.User, image.User)),
		llb.AddMount(gateTools, g.scripts, llb.Readonly, llb.SourcePath("/ops")),
		llb.AddMount("/tmp", llb.Scratch(), llb.Tmpfs()),
		llb.Platform(g.Base.Platform),
	}
	for _, kv := range image.Env {
		name, value, _ := strings.Cut(kv, "=")
		options = append(options, llb.AddEnv(name, value))
	}
	for _, dir := range g.writablePaths() {
		options = append(options, llb.AddMount(dir, writable, llb.SourcePath(dir), llb.ForceNoOutput))
	}
	options = append(options, g.Exec...)
	options = append(options, g.gateNetwork(t)...)
	for _, option := range g.described("[test] "+g.gateName(t), path) {
		options = append(options, option)
	}
	taskFile := llb.Scratch().File(llb.Mkfile("/task", 0o644, []byte(task)), g.internal("write down a test")...)
	return final.Run(options...).AddMount(gateTask, taskFile)
}

// writablePaths returns the folders that a test may write to, besides /tmp: the places to mount
// something where a container's root is read-only.
func (g *Graph) writablePaths() []string {
	paths := slices.Clone(g.Spec.Volumes)
	for _, w := range g.Spec.Writable {
		paths = append(paths, w.Path)
	}
	slices.Sort(paths)
	return slices.DeleteFunc(slices.Compact(paths), func(dir string) bool { return dir == "/tmp" || dir == "/" })
}

// withWritable returns the image with all of these folders, as an engine makes volumes that are
// missing.
func (g *Graph) withWritable(final llb.State) llb.State {
	for _, dir := range g.writablePaths() {
		final = final.File(llb.Mkdir(dir, 0o755, llb.WithParents(true)), g.internal("make "+dir+" for tests")...)
	}
	return final
}

// checkGateNetwork refuses a server on the network of the host: another test may have its port at
// the same time, or a program of the host, and answer in its place.
func (g *Graph) checkGateNetwork(t *spec.Test, at string) error {
	server := t.Kind() == spec.TestHTTP || t.Kind() == spec.TestTCP
	if !server || !t.Network || g.Network != pb.NetMode_HOST {
		return nil
	}
	return g.located(errors.New("network: true is the network of the host in this build, where something else may answer on the port of the server: remove network, or build without --network host"), at+".network")
}

// gateNetwork has a test without a network ask no proxy either, which it could not reach: what it
// asks is itself.
func (g *Graph) gateNetwork(t *spec.Test) []llb.RunOption {
	if t.Network {
		return []llb.RunOption{llb.Network(g.Network)}
	}
	return []llb.RunOption{llb.Network(pb.NetMode_NONE), withoutProxy{}}
}

type withoutProxy struct{}

func (withoutProxy) SetRunOption(info *llb.ExecInfo) { info.ProxyEnv = nil }

// gateOptions returns what gate.py is to expect, and the names of the variables that are the image's.
func (g *Graph) gateOptions(t *spec.Test, env []string) []string {
	var options []string
	add := func(name, value string) {
		if value != "" {
			options = append(options, "--"+name+"="+value)
		}
	}
	for _, kv := range env {
		name, _, _ := strings.Cut(kv, "=")
		add("env", name)
	}
	switch t.Kind() {
	case spec.TestCommand:
		add("exit-code", strconv.Itoa(t.ExitCode))
	case spec.TestHTTP:
		_, path, _ := strings.Cut(t.HTTP, "/")
		add("port", g.Spec.TestPort(t))
		add("path", "/"+path)
		add("status", t.Status)
	case spec.TestTCP:
		add("port", g.Spec.TestPort(t))
	}
	if t.Timeout > 0 {
		add("timeout", strconv.FormatFloat(t.Timeout.Seconds(), 'f', -1, 64))
	}
	for _, output := range []struct {
		name string
		*spec.Output
	}{{"stdout", t.Stdout}, {"stderr", t.Stderr}, {"body", t.Body}} {
		if output.Output != nil {
			options = appendFlag(options, "--"+output.name+"-contains", output.Contains)
			options = appendFlag(options, "--"+output.name+"-matches", output.Matches)
		}
	}
	return options
}

// gateName returns what to call a test.
func (g *Graph) gateName(t *spec.Test) string {
	if t.Name != "" {
		return t.Name
	}
	var parts []string
	switch t.Kind() {
	case spec.TestCommand:
		parts = t.Run.Args
	case spec.TestHTTP:
		parts = []string{"http", ":" + g.Spec.TestPort(t) + t.HTTP[strings.Index(t.HTTP, "/"):]}
	case spec.TestTCP:
		parts = []string{"tcp", t.TCP}
	case spec.TestFiles:
		parts = slices.Clone(t.Exists)
		for _, path := range t.Absent {
			parts = append(parts, "no "+path)
		}
		return strings.Join(parts, ", ")
	}
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

// UntestedHelp says why Gates leaves tests out, and what to do.
func (g *Graph) UntestedHelp() string {
	platform := platforms.Format(g.Base.Platform)
	return fmt.Sprintf("tests that run a command or a server cannot be run for %s, which this daemon neither is of nor emulates: "+
		"have it do so (docker run --privileged --rm tonistiigi/binfmt --install %s), or build on a builder that has a node of that platform",
		platform, g.Base.Platform.Architecture)
}
