package llb

import "github.com/moby/buildkit/client/llb"

// The init of an image, and where its package has it.
const (
	initPackage = "tini"
	initProgram = "/sbin/tini"
)

// rootWithInit returns the distroless root, with an init if the spec asks for one. It is below
// the packages of the spec, so that changing these leaves it cached.
func (g *Graph) rootWithInit() (llb.State, error) {
	root, err := g.root()
	if err != nil || !g.Spec.Init {
		return root, err
	}
	o, err := g.apk(op{
		name:  "[root] install " + initPackage,
		cache: "apk",
		args:  []string{opsDir + "/settled.sh", BuildRoot, opsDir + "/packages.sh", initPackage},
		path:  "init",
	})
	if err != nil {
		return llb.State{}, err
	}
	return g.runWithScripts(o).AddMount(BuildRoot, root), nil
}

// underInit has the init run a command, which may be what a container is started with, as its
// child.
func (g *Graph) underInit(command []string) []string {
	if !g.Spec.Init {
		return command
	}
	return append([]string{initProgram, "--"}, command...)
}
