package frontend

import (
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/subrequests/outline"
	"github.com/moby/buildkit/solver/pb"

	"github.com/autumnjolitz/distroless-frontend/internal/sourcemap"
	graph "github.com/autumnjolitz/distroless-frontend/llb"
)

// outlineOf lists what a build of the target takes from outside: the arguments that the spec
// declares, with the values that they have in this request, those that every spec has, secrets
// and agents.
func outlineOf(bc *dockerui.Client, src *dockerui.Source) (*outline.Outline, error) {
	t, err := findTarget(bc.Target)
	if err != nil {
		return nil, err
	}
	s, err := parse(bc, src)
	if err != nil {
		return nil, err
	}
	o := &outline.Outline{Name: t.name, Description: t.description, Sources: [][]byte{src.Data}}
	for _, arg := range s.Args {
		described := outline.Arg{
			Name:        arg.Name,
			Description: arg.Description,
			Location:    &pb.Location{Ranges: sourcemap.Ranges(s.Location("args." + arg.Name))},
		}
		if arg.Value != nil {
			described.Value = *arg.Value
		}
		o.Args = append(o.Args, described)
	}
	for _, arg := range append(graph.BuildArgs(), ownBuildArgs()...) {
		o.Args = append(o.Args, outline.Arg{Name: arg.Name, Value: bc.BuildArgs[arg.Name], Description: arg.Description})
	}
	for _, secret := range graph.Secrets(s) {
		o.Secrets = append(o.Secrets, outline.Secret{Name: secret.ID, Required: secret.Required})
	}
	for _, id := range graph.SSH(s) {
		o.SSH = append(o.SSH, outline.SSH{Name: id})
	}
	return o, nil
}
