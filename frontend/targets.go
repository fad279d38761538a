package frontend

import (
	"context"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/subrequests/targets"
	"github.com/moby/buildkit/util/suggest"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/pkg/errors"

	graph "github.com/autumnjolitz/distroless-frontend/llb"
)

// A target is one image that a spec can be built into.
type target struct {
	name        string
	description string
	state       func(*graph.Graph) (llb.State, error)
	image       func(*graph.Graph, map[string]string) *dockerspec.DockerOCIImage
	// checks have to pass for the image to be exported.
	checks func(*graph.Graph) ([]graph.Check, error)
}

// allTargets returns what there is to build; the first is what is built unless asked.
func allTargets() []target {
	return []target{
		{
			name:        "final",
			description: "The distroless image: Python, the packages and files of the spec, and nothing else",
			state:       (*graph.Graph).Final,
			image:       (*graph.Graph).FinalImage,
			checks:      (*graph.Graph).Gates,
		},
		{
			name:        "buildroot",
			description: "The companion image, with tools to install into the root of the final image at $BUILD_ROOT",
			state:       (*graph.Graph).Buildroot,
			image:       (*graph.Graph).BuildrootImage,
		},
		{
			name:        "debug",
			description: "The final image and one more layer: a shell and its tools, pip, and the sources of the standard library",
			state:       (*graph.Graph).Debug,
			image:       (*graph.Graph).FinalImage,
		},
		{
			name:        "test",
			description: "Nothing but the tests of the spec: an image without files if they pass",
			state:       (*graph.Graph).Tests,
			image:       (*graph.Graph).TestsImage,
			checks:      (*graph.Graph).Gates,
		},
		{
			name:        "trim-report",
			description: "What trim leaves out of the distroless image, as trim.json and nothing else",
			state:       (*graph.Graph).TrimReport,
			image:       (*graph.Graph).FinalImage,
		},
	}
}

func findTarget(name string) (target, error) {
	all := allTargets()
	if name == "" {
		return all[0], nil
	}
	var names []string
	for _, t := range all {
		// Docker does not tell the case of target names apart.
		if strings.EqualFold(t.name, name) {
			return t, nil
		}
		names = append(names, t.name)
	}
	err := errors.Errorf("there is no target %q: expected one of %s", name, strings.Join(names, ", "))
	return target{}, suggest.WrapError(err, name, names, false)
}

// listTargets answers --call=targets.
func listTargets(context.Context) (*targets.List, error) {
	list := &targets.List{}
	for i, t := range allTargets() {
		list.Targets = append(list.Targets, targets.Target{Name: t.name, Description: t.description, Default: i == 0})
	}
	return list, nil
}
