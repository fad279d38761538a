// Package frontend answers a BuildKit daemon: it reads the spec, resolves its base image and
// solves the graph of the target, once for each platform.
package frontend

import (
	"context"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"

	graph "github.com/autumnjolitz/distroless-frontend/llb"
	"github.com/autumnjolitz/distroless-frontend/spec"
)

// Build is the frontend. Its errors carry the place in the spec they come from, where there
// is one, so that clients print an excerpt.
func Build(ctx context.Context, c client.Client) (*client.Result, error) {
	if c.BuildOpts().Opts[keyRequestID] == schemaRequest.Name {
		return schemaResult(), nil // it is about no file
	}
	bc, err := dockerui.NewClient(c)
	if err != nil {
		return nil, err
	}
	src, err := bc.ReadEntrypoint(ctx, "YAML")
	if err != nil {
		return nil, err
	}
	if isDockerfile(src.Data) {
		src.Language = "Dockerfile"
		return buildDockerfile(ctx, c, bc, src)
	}
	res, err := buildSpec(ctx, bc, src)
	return res, withSource(withWords(err), src.SourceMap)
}

// buildSpec builds the target of a spec, for each platform.
func buildSpec(ctx context.Context, bc *dockerui.Client, src *dockerui.Source) (*client.Result, error) {
	if res, ok, err := handleSubrequest(ctx, bc, src); ok || err != nil {
		return res, err
	}
	s, err := parse(bc, src)
	if err != nil {
		return nil, err
	}
	target, err := findTarget(bc.Target)
	if err != nil {
		return nil, err
	}
	epoch, err := sourceDateEpoch(ctx, bc)
	if err != nil {
		return nil, err
	}
	b := &builder{bc: bc, spec: s, src: src, locate: s.Location, bases: &bases{}, requirements: &requirementsOnce{}, noCache: bc.IsNoCache}
	b.warnOfIgnored(ctx)
	sboms, err := newSBOMs(ctx, b)
	if err != nil {
		return nil, err
	}

	passing := &checks{}
	rb, err := bc.Build(ctx, func(ctx context.Context, platform *ocispecs.Platform, i int) (*dockerui.BuildResult, error) {
		b, err := b.forPlatform(platform)
		if err != nil {
			return nil, err
		}
		g, err := b.graph(ctx, platform)
		if err != nil {
			return nil, err
		}
		if i == 0 { // once, and when .dockerignore has been read for the graph anyway
			if err := warnOf(ctx, bc, src, s); err != nil {
				return nil, err
			}
		}
		g.Read = b.reader(ctx, g.Base.Platform)
		st, err := target.state(g)
		if err != nil {
			return nil, err
		}
		ref, err := b.solve(ctx, st, g.Base.Platform)
		if err != nil {
			return nil, err
		}
		if err := passing.add(ctx, b, i, g, target.checks); err != nil {
			return nil, err
		}
		if err := sboms.add(platform, g, st); err != nil {
			return nil, err
		}
		img := target.image(g, bc.Labels)
		img.Created = epoch
		return &dockerui.BuildResult{Reference: ref, Image: img, BaseImage: &g.Base.Image, Epoch: epoch}, nil
	})
	if err != nil {
		return nil, err
	}
	if res, err := passing.run(ctx, b); res != nil || err != nil {
		return res, err
	}
	if err := sboms.attach(ctx, rb); err != nil {
		return nil, err
	}
	return rb.Finalize()
}

// A builder makes the graphs of one request.
type builder struct {
	bc     *dockerui.Client
	spec   *spec.Spec
	src    *dockerui.Source
	locate func(path string) []parser.Range // of a key of the spec, in src

	bases        *bases
	requirements *requirementsOnce

	prefix  string                  // of the names of ops, next to the platform
	noCache func(group string) bool // whether the client wants the ops of a group run anew
}

// forPlatform returns a builder of the spec as it is for a platform, which its build arguments
// may tell.
func (b *builder) forPlatform(platform *ocispecs.Platform) (*builder, error) {
	s, err := parseFor(b.bc, b.src, platform)
	if err != nil {
		return nil, err
	}
	next := *b
	next.spec, next.locate = s, s.Location
	next.requirements = &requirementsOnce{}
	return &next, nil
}

// graph resolves the base for a platform and makes the graph over it.
func (b *builder) graph(ctx context.Context, platform *ocispecs.Platform) (*graph.Graph, error) {
	host := b.bc.BuildPlatforms[0]
	if platform == nil {
		platform = &host
	}
	overrides, err := graph.OverridesFrom(b.bc.BuildArgs)
	if err != nil {
		return nil, err
	}
	contexts := newContexts(b, overrides, *platform)
	base, build, err := b.resolveBasesWhile(ctx, *platform, contexts.warm)
	if err != nil {
		return nil, err
	}
	prefix, buildPrefix := b.namePrefixes(*platform, build.Platform)
	return graph.New(graph.Options{
		Spec:            b.spec,
		SourceMap:       b.src.SourceMap,
		Locate:          b.locate,
		Base:            *base,
		BuildBase:       *build,
		Emulated:        b.emulates(*platform),
		Context:         func(name string) (llb.State, bool, error) { return contexts.get(ctx, name) },
		PipFiles:        func() ([]string, error) { return b.readRequirements(ctx) },
		HasSources:      func(downloads llb.State) (bool, error) { return b.hasSources(ctx, downloads) },
		Declared:        func() (*graph.Declared, error) { return b.declared(ctx, base) },
		Overrides:       overrides,
		Exec:            b.execOptions(),
		Network:         b.bc.NetworkMode,
		CacheNamespace:  b.bc.CacheIDNamespace,
		Merge:           b.supports(pb.CapMergeOp),
		CopyPatterns:    b.supports(pb.CapFileCopyIncludeExcludePatterns),
		NoCache:         b.noCache,
		NamePrefix:      prefix,
		BuildNamePrefix: buildPrefix,
	})
}

// resolveBasesWhile does something else that takes round trips at the same time.
func (b *builder) resolveBasesWhile(ctx context.Context, platform ocispecs.Platform, other func(context.Context)) (base, build *graph.Base, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		other(ctx)
	}()
	base, build, err = b.resolveBases(ctx, platform)
	<-done
	return base, build, err
}

// solve has the daemon build a state. It pins the default platform of the ops, which would
// else be the one this program was compiled for.
func (b *builder) solve(ctx context.Context, st llb.State, platform ocispecs.Platform) (client.Reference, error) {
	return b.solveWith(ctx, st, platform, client.SolveRequest{})
}

// solveWith does so with what else a request asks for.
func (b *builder) solveWith(ctx context.Context, st llb.State, platform ocispecs.Platform, req client.SolveRequest) (client.Reference, error) {
	def, err := st.Marshal(ctx, llb.WithCaps(b.bc.BuildOpts().LLBCaps), llb.Platform(platform))
	if err != nil {
		return nil, errors.Wrap(err, "marshal the graph")
	}
	req.Definition, req.CacheImports = def.ToPB(), b.bc.CacheImports
	res, err := b.bc.GatewayClient().Solve(ctx, req)
	if err != nil {
		return nil, err
	}
	return res.SingleRef()
}
