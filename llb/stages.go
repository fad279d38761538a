package llb

import "github.com/moby/buildkit/client/llb"

// Groups returns the groups of steps, by which a client says what is to run anew: the words
// in brackets that the names of ops begin with.
func Groups() []string {
	return []string{"root", "builder", "python", "pip", "trim", "files", "final", "buildroot", "debug", "test"}
}

// The names of the stages.
const (
	stageBase    = "base"
	stageBuilder = "builder"
)

// StageNames returns the names of all stages that a spec can have.
func StageNames() []string { return []string{stageBase, stageBuilder} }

// Stages returns the file systems that the image is made on and that are not in it, by the
// name that a client has for them: base is the base image, and builder is what pip runs on if
// it is something else.
func (g *Graph) Stages() (map[string]llb.State, error) {
	stages := map[string]llb.State{stageBase: g.Base.State}
	if len(g.Spec.APK.Build) == 0 || !installsWithPip(g.Spec) {
		return stages, nil
	}
	var err error
	stages[stageBuilder], err = g.builder()
	return stages, err
}
