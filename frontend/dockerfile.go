package frontend

import (
	"context"
	"encoding/json"
	"maps"
	"strconv"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	dockerfile "github.com/moby/buildkit/frontend/dockerfile/builder"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// buildDockerfile builds a Dockerfile as BuildKit's own frontend does, which is part of this
// program, and answers for the distroless-python images it names: these are made on the fly
// and given to it as named contexts. A named context of the user's wins.
func buildDockerfile(ctx context.Context, c client.Client, bc *dockerui.Client, src *dockerui.Source) (*client.Result, error) {
	images := &onTheFly{
		Client: c,
		opts:   maps.Clone(c.BuildOpts().Opts),
		inputs: map[string]llb.State{},
	}
	// The line that led here must not lead here again.
	images.opts["cmdline"] = ""
	if err := images.addAll(ctx, bc, src); err != nil {
		return nil, withSource(withWords(err), src.SourceMap)
	}
	return dockerfile.Build(ctx, images)
}

// onTheFly is a gateway client that has further inputs, and named contexts that stand for them.
type onTheFly struct {
	client.Client
	opts   map[string]string
	inputs map[string]llb.State
}

// BuildOpts returns the client's options with our named contexts among them.
func (i *onTheFly) BuildOpts() client.BuildOpts {
	opts := i.Client.BuildOpts()
	opts.Opts = i.opts
	return opts
}

// Inputs returns the client's inputs and ours.
func (i *onTheFly) Inputs(ctx context.Context) (map[string]llb.State, error) {
	inputs, err := i.Client.Inputs(ctx)
	if err != nil {
		return nil, err
	}
	all := maps.Clone(i.inputs)
	maps.Copy(all, inputs)
	return all, nil
}

// addAll makes every image that the Dockerfile names, for every platform.
func (i *onTheFly) addAll(ctx context.Context, bc *dockerui.Client, src *dockerui.Source) error {
	host := bc.BuildPlatforms[0]
	targets := bc.TargetPlatforms
	if len(targets) == 0 {
		targets = []ocispecs.Platform{host}
	}
	for _, platform := range targets {
		refs, err := findReferences(src.Data, bc.BuildArgs, platform, host)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			if err := i.add(ctx, bc, src, ref, platform); err != nil {
				return err
			}
		}
	}
	return nil
}

// add makes the image of a reference for a platform.
func (i *onTheFly) add(ctx context.Context, bc *dockerui.Client, src *dockerui.Source, ref imageReference, platform ocispecs.Platform) error {
	named, err := bc.NamedContext(ref.name, dockerui.ContextOpt{Platform: &platform})
	if err != nil || named != nil {
		return err
	}
	s := &spec.Spec{Python: ref.python, Alpine: ref.alpine}
	b := &builder{
		bc:       bc,
		spec:     s,
		src:      src,
		contexts: newContexts(bc, s),
		// Whatever goes wrong, it is this line that asked for it.
		locate: func(string) []parser.Range { return ref.location },
	}
	g, err := b.graph(ctx, &platform)
	if err != nil {
		return errors.Wrapf(err, "build %s", ref.name)
	}
	t, err := findTarget(ref.target())
	if err != nil {
		return err
	}
	st, err := t.state(g)
	if err != nil {
		return err
	}
	config, err := json.Marshal(t.image(g, nil))
	if err != nil {
		return errors.Wrap(err, "marshal the image config")
	}
	return i.define(ref.name+"::"+platforms.FormatAll(platforms.Normalize(platform)), st, config)
}

// target is the one of ours that makes the image.
func (r imageReference) target() string {
	if r.buildroot {
		return "buildroot"
	}
	return "final"
}

// define has a named context stand for a state and its image config.
func (i *onTheFly) define(name string, st llb.State, config []byte) error {
	key := "distroless-python-" + strconv.Itoa(len(i.inputs))
	metadata, err := json.Marshal(map[string][]byte{exptypes.ExporterImageConfigKey: config})
	if err != nil {
		return errors.Wrap(err, "marshal the metadata of an input")
	}
	i.inputs[key] = st
	i.opts["context:"+name] = "input:" + key
	i.opts["input-metadata:"+key] = string(metadata)
	return nil
}
