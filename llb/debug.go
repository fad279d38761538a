package llb

import (
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// Debug returns the final image with one more layer, of what one looks for when something goes
// wrong in it: a shell and its tools, pip, and the sources of the standard library. These need
// what trim left out of that, so it is there again.
//
// The op has the image itself at BuildRoot, so that it adds nothing where the image has something.
func (g *Graph) Debug() (llb.State, error) {
	final, err := g.Final()
	if err != nil {
		return llb.State{}, err
	}
	args := []string{opsDir + "/debug.sh", outDir, strings.Join(foreignModules(), ",")}
	mounts := []llb.RunOption{llb.AddMount(BuildRoot, final, llb.ForceNoOutput)}
	if g.Spec.Trim != nil {
		_, plan, err := g.trim()
		if err != nil {
			return llb.State{}, err
		}
		args = append(args, planDir+"/libraries", interpreterDir, compiledDir)
		mounts = append(mounts,
			llb.AddMount(planDir, plan, llb.Readonly),
			llb.AddMount(interpreterDir, g.interpreter(), llb.Readonly),
			llb.AddMount(compiledDir, g.stdlib(), llb.Readonly),
		)
	}
	o, err := g.apk(op{
		name:   "[debug] add busybox, pip and the sources of the standard library",
		cache:  "apk",
		args:   g.settled(args),
		mounts: mounts,
	})
	if err != nil {
		return llb.State{}, err
	}
	layer := g.run(o).AddMount(outDir, llb.Scratch())
	return g.merge("[debug] put the image together", []llb.State{final, layer}), nil
}
