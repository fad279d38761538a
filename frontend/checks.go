package frontend

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"

	"github.com/autumnjolitz/distroless-frontend/internal/sourcemap"
	graph "github.com/autumnjolitz/distroless-frontend/llb"
)

// checks are what has to pass for the images of a request to be exported.
type checks struct {
	mu         sync.Mutex
	byPlatform map[int][]graph.Check
	graph      *graph.Graph // of one of the platforms
}

// add notes those of a target, for the platform of that number.
func (c *checks) add(ctx context.Context, b *builder, i int, g *graph.Graph, find func(*graph.Graph) ([]graph.Check, error)) error {
	if find == nil {
		return nil
	}
	found, err := find(g)
	if err != nil {
		return err
	}
	b.warnOfUntested(ctx, g)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byPlatform == nil {
		c.byPlatform = map[int][]graph.Check{}
	}
	c.byPlatform[i], c.graph = found, g
	return nil
}

// run has the daemon run the checks, all at once, and images with them. If that goes wrong, the
// result is an error, or a result that is none to export.
func (c *checks) run(ctx context.Context, b *builder) (*client.Result, error) {
	var all []graph.Check
	for _, i := range slices.Sorted(maps.Keys(c.byPlatform)) {
		all = append(all, c.byPlatform[i]...)
	}
	if len(all) == 0 {
		return nil, nil
	}
	passed := together(all, c.graph.BuildBase.Platform)
	_, err := b.solveWith(ctx, passed, c.graph.BuildBase.Platform, client.SolveRequest{Evaluate: true})
	if err == nil || ctx.Err() != nil {
		return nil, err
	}
	if failed, ok := c.whichFailed(ctx, all, err); ok {
		return nil, failed
	}
	// It is a step that makes the image. Of one that has an input twice, as many have their base,
	// daemons of BuildKit 0.34 lose the error on the way to a frontend: they "release an already
	// released reference". To the client they tell it, as that of what is to be exported.
	ref, err := b.solve(ctx, c.graph.Never(passed), c.graph.BuildBase.Platform)
	if err != nil {
		return nil, err
	}
	res := client.NewResult()
	res.SetRef(ref)
	return res, nil
}

// whichFailed returns what the check says whose process ended with an error.
func (c *checks) whichFailed(ctx context.Context, all []graph.Check, err error) (error, bool) {
	var at *errdefs.VertexError
	var exit *gatewaypb.ExitError
	if !errors.As(err, &at) || !errors.As(err, &exit) {
		return nil, false
	}
	for _, check := range all {
		def, err2 := check.State.Marshal(ctx, llb.Platform(c.graph.BuildBase.Platform))
		if err2 != nil {
			continue
		}
		if head, err2 := def.Head(); err2 == nil && head.String() == at.Digest {
			return checkFailed{err, check.Failure}, true
		}
	}
	return nil, false
}

// together returns a state that needs all checks.
func together(all []graph.Check, platform ocispecs.Platform) llb.State {
	var results *llb.FileAction
	for i, check := range all {
		to := "/" + strconv.Itoa(i)
		info := &llb.CopyInfo{CopyDirContentsOnly: true, CreateDestPath: true}
		if results == nil {
			results = llb.Copy(check.State, "/", to, info)
		} else {
			results = results.Copy(check.State, "/", to, info)
		}
	}
	return llb.Scratch().File(results, llb.Platform(platform), llb.WithCustomName("[internal] see that all checks passed"))
}

// checkFailed says what a check found instead of what its process is called. The rest of the
// error has the place in the spec.
type checkFailed struct {
	error
	found string
}

func (f checkFailed) Error() string { return f.found }

func (f checkFailed) Unwrap() error { return f.error }

// warnOfUntested says that some of the tests are not run for a platform.
func (b *builder) warnOfUntested(ctx context.Context, g *graph.Graph) {
	if at, untested := g.Untested(); untested {
		b.src.Warn(ctx, g.UntestedHelp(), client.WarnOpts{Range: sourcemap.Ranges(b.locate(at))})
	}
}
