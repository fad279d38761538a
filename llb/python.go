package llb

import (
	"slices"

	"github.com/moby/buildkit/client/llb"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// interpreter returns the tree of what exists once per platform: the executable, libpython
// and the C extensions. They are copied by an op and not by a file op, because the folders a
// file op writes into keep the time of the writing.
func (g *Graph) interpreter() llb.State {
	args := []string{"python", opsDir + "/interpreter.py", g.baseDir(g.BuildBase.Platform), outDir, g.Base.PythonXY()}
	if g.foreign() && g.Base.Python == g.BuildBase.Python {
		args = append(args, "--same-library") // which is what stdlib takes for granted
	}
	for _, part := range g.parts {
		args = append(args, part.Extensions...)
	}
	copied := g.run(op{
		name: "[python] copy the interpreter of " + g.Base.Python,
		args: g.settled(args),
		base: true,
		path: "stdlib.include",
	})
	return copied.AddMount(outDir, llb.Scratch())
}

// stdlib returns the tree of the standard library as bytecode, which is the same for every
// platform. Where the bases of two platforms differ in the last number of their version, as
// may be while a new one is being published, each has its own, compiled by the other's Python.
func (g *Graph) stdlib() llb.State {
	if g.Base.Python == g.BuildBase.Python {
		return g.shared().compiled()
	}
	return g.compiled(llb.AddMount(baseDir, g.Base.State, llb.Readonly))
}

func (g *Graph) compiled(mounts ...llb.RunOption) llb.State {
	args := append(g.compiler(), opsDir+"/stdlib.py",
		"--out", outDir, "--python-dir", toolsDir+"/python", "--compression", string(g.compression()))
	for _, part := range g.parts {
		args = appendFlag(args, "--leave-out", part.Modules)
	}
	if !slices.ContainsFunc(g.parts, func(p Part) bool { return p.Name == sourcesPart }) {
		args = append(args, "--sources")
	}
	args = appendFlag(args, "--foreign", foreignModules())
	args = appendFlag(args, "--exclude", g.Spec.Stdlib.Exclude)
	if len(mounts) > 0 {
		args = append(args, "--base", baseDir)
	}
	compiled := g.run(op{
		name:   "[python] compile the standard library",
		args:   g.settled(args),
		mounts: mounts,
		path:   "stdlib",
	})
	return compiled.AddMount(outDir, llb.Scratch())
}

func (g *Graph) compression() spec.Compression {
	if g.Spec.Stdlib.Compression == "" {
		return spec.CompressionDeflate
	}
	return g.Spec.Stdlib.Compression
}

// settled has the command's output directory settled after it.
func (g *Graph) settled(args []string) []string {
	return append([]string{opsDir + "/settled.sh", outDir}, args...)
}

func appendFlag(args []string, flag string, values []string) []string {
	for _, value := range values {
		args = append(args, flag+"="+value)
	}
	return args
}
