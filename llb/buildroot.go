package llb

import "github.com/moby/buildkit/client/llb"

// Buildroot returns the file system of the companion image: the base with what the spec
// builds with, the commands, the package configuration, and at BuildRoot the root of the
// final image as it is before pip and files.
func (g *Graph) Buildroot() (llb.State, error) {
	layers, err := g.runtime()
	if err != nil {
		return llb.State{}, err
	}
	layers[0] = g.users(layers[0])
	builder, err := g.builder()
	if err != nil {
		return llb.State{}, err
	}
	configuration, err := g.shared().apkConfiguration()
	if err != nil {
		return llb.State{}, err
	}
	added := g.run(op{
		name: "[buildroot] add the root and the commands",
		args: g.settled([]string{opsDir + "/buildroot.sh", "/root-layers", outDir + BuildRoot}),
		mounts: []llb.RunOption{
			llb.AddMount("/root-layers", g.merge("[final] put the root together", layers), llb.Readonly),
			llb.AddMount(apkDir, configuration, llb.Readonly),
		},
	})
	companion := []llb.State{builder, added.AddMount(outDir, llb.Scratch())}
	return g.merge("[buildroot] put the image together", companion), nil
}
