package llb

import "github.com/moby/buildkit/client/llb"

// Debug returns the final image with one more layer, of what one looks for when something goes
// wrong in it: a shell and its tools, pip, and the sources of the standard library.
//
// The op has the image itself at BuildRoot, so that it adds nothing where the image has something.
func (g *Graph) Debug() (llb.State, error) {
	final, err := g.Final()
	if err != nil {
		return llb.State{}, err
	}
	o, err := g.apk(op{
		name:   "[debug] add busybox, pip and the sources of the standard library",
		cache:  "apk",
		args:   g.settled([]string{opsDir + "/debug.sh", outDir}),
		mounts: []llb.RunOption{llb.AddMount(BuildRoot, final, llb.ForceNoOutput)},
	})
	if err != nil {
		return llb.State{}, err
	}
	layer := g.run(o).AddMount(outDir, llb.Scratch())
	return g.merge("[debug] put the image together", []llb.State{final, layer}), nil
}
