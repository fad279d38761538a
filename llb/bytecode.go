package llb

import (
	"path"
	"strconv"

	"github.com/moby/buildkit/client/llb"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// findName is that of the steps which lead to what is to be compiled. Clients show them as one.
const findName = "[files] find Python sources"

// imageDir is where the step that compiles has the image that it is over.
const imageDir = "/image"

// application adds the user's files to an image, with the bytecode of those that are Python.
func (g *Graph) application(image llb.State) (llb.State, error) {
	copied, err := g.files(image)
	if err != nil || len(g.Spec.Files) == 0 {
		return copied, err
	}
	tree, err := g.onlyFiles(image, copied)
	if err != nil {
		return llb.State{}, err
	}
	if g.dropsSources() {
		// No layer may have what another hides, so the copies are not part of the image.
		return g.merge(mergeName, []llb.State{image, g.compileFiles(image, tree, "--drop")}), nil
	}
	return g.merge(mergeName, []llb.State{copied, g.compileFiles(image, g.sourcesIn(tree))}), nil
}

// onlyFiles returns the tree of what files copied over an image. Without DiffOp, which came
// with MergeOp, they are copied once more, into a tree that has but the working directory.
func (g *Graph) onlyFiles(image, copied llb.State) (llb.State, error) {
	if g.Merge {
		return llb.Diff(image, copied, g.describedFor(g.BuildBase.Platform, findName, "files")...), nil
	}
	empty := llb.Scratch()
	if dir := path.Join("/", g.Spec.Workdir); dir != "/" {
		empty = empty.File(llb.Mkdir(dir, 0o755, llb.WithParents(true)), g.describedFor(g.Base.Platform, "[files] create "+dir, "workdir")...)
	}
	return g.files(empty)
}

// sourcesIn returns the Python sources of a tree, so that a change of other files compiles
// nothing. A daemon that cannot copy by pattern compiles again.
func (g *Graph) sourcesIn(tree llb.State) llb.State {
	if !g.Merge {
		return tree
	}
	sources := llb.Copy(tree, "/", "/", &llb.CopyInfo{CopyDirContentsOnly: true, IncludePatterns: []string{"**/*.py"}})
	return llb.Scratch().File(sources, g.describedFor(g.BuildBase.Platform, findName, "files")...)
}

// compileFiles returns the bytecode of the sources in a tree, which are over an image. It is the
// same for every platform, as that of the standard library is. Without DiffOp the tree knows
// nothing of the image, so it takes the image to have its folders as they are there.
func (g *Graph) compileFiles(image, tree llb.State, options ...string) llb.State {
	args := append(g.compiler(), "-S", "-s", opsDir+"/app_bytecode.py") // starts in less time
	args = append(append(args, options...), filesDir, outDir)
	mounts := []llb.RunOption{llb.AddMount(filesDir, tree, llb.Readonly)}
	if !g.Merge {
		args = append(args, imageDir)
		mounts = append(mounts, llb.AddMount(imageDir, image, llb.Readonly))
	}
	compiled := g.run(op{
		name:   "[files] compile Python sources",
		args:   g.settled(args),
		mounts: mounts,
		path:   "files",
	})
	return compiled.AddMount(outDir, llb.Scratch())
}

// compiler returns the start of the command of a script that compiles at the level at which it
// runs itself.
func (g *Graph) compiler() []string {
	command := []string{"python"}
	for range g.Spec.Bytecode.Optimize {
		command = append(command, "-O")
	}
	return command
}

// pipBytecode returns the options by which the op that installs compiles. There are none for
// the default.
func (g *Graph) pipBytecode() []string {
	var args []string
	if level := g.Spec.Bytecode.Optimize; level > 0 {
		args = append(args, "--optimize="+strconv.Itoa(level))
	}
	if g.dropsSources() {
		args = append(args, "--drop-sources")
	}
	return args
}

func (g *Graph) dropsSources() bool { return g.Spec.Bytecode.Sources == spec.SourcesDrop }
