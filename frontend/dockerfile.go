package frontend

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"strconv"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	dockerfile "github.com/moby/buildkit/frontend/dockerfile/builder"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/frontend/subrequests/targets"
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
		bases:  &bases{},
	}
	// The line that led here must not lead here again.
	images.opts["cmdline"] = ""
	file, err := parser.Parse(bytes.NewReader(src.Data))
	if err == nil && needsImages(bc) {
		err = images.addAll(ctx, bc, src, file)
		if err != nil && !errors.Is(err, errNotOurs) {
			return nil, withSource(withWords(err), src.SourceMap)
		}
	}
	// What is wrong with the Dockerfile itself is for its own frontend to say.
	return dockerfile.Build(ctx, images)
}

// needsImages is false for a request that is about the file alone.
func needsImages(bc *dockerui.Client) bool {
	switch bc.BuildOpts().Opts[keyRequestID] {
	case subrequests.RequestSubrequestsDescribe, targets.RequestTargets:
		return false
	}
	return true
}

// onTheFly is a gateway client that has further inputs, and named contexts that stand for them.
type onTheFly struct {
	client.Client
	opts   map[string]string
	inputs map[string]llb.State
	bases  *bases // final and buildroot have one
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

// addAll makes every image that the target of the Dockerfile needs, for every platform.
func (i *onTheFly) addAll(ctx context.Context, bc *dockerui.Client, src *dockerui.Source, file *parser.Result) error {
	host := bc.BuildPlatforms[0]
	wanted := bc.TargetPlatforms
	if len(wanted) == 0 {
		wanted = []ocispecs.Platform{host}
	}
	stage := bc.Target
	if stage == "" && bc.BuildOpts().Opts[keyRequestID] == lint.RequestLint {
		stage = everyStage // the linter looks into all
	}
	for _, platform := range wanted {
		refs, err := findReferences(file, stage, bc.BuildArgs, platform, host)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			if err := i.add(ctx, bc, src, ref); err != nil {
				return err
			}
		}
	}
	return nil
}

// add makes the image of a reference, unless the client or another platform gave one.
func (i *onTheFly) add(ctx context.Context, bc *dockerui.Client, src *dockerui.Source, ref imageReference) error {
	if _, made := i.opts["context:"+ref.key()]; made {
		return nil
	}
	named, err := bc.NamedContext(ref.name, dockerui.ContextOpt{Platform: &ref.platform})
	if err != nil || named != nil {
		return err
	}
	b := &builder{
		bc:   bc,
		spec: &spec.Spec{Python: ref.python, Alpine: ref.alpine},
		src:  src,
		// Whatever goes wrong, it is this line that asked for it.
		locate:       func(string) []parser.Range { return ref.location },
		bases:        i.bases,
		requirements: &requirementsOnce{},
		prefix:       ref.python + "-alpine" + ref.alpine,
		noCache:      func(string) bool { return bc.IsNoCache(ref.name) },
	}
	g, err := b.graph(ctx, &ref.platform)
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
	return i.define(ref.key(), st, config)
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
