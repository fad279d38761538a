package frontend

import (
	"context"
	"sync"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"

	graph "github.com/autumnjolitz/distroless-frontend/llb"
	"github.com/autumnjolitz/distroless-frontend/spec"
)

// contexts are the main context and those of --build-context for one platform, each loaded
// once: to learn what its .dockerignore says takes a round trip.
type contexts struct {
	bc        *dockerui.Client
	spec      *spec.Spec
	overrides graph.Overrides
	platform  ocispecs.Platform
	// pipFiles returns the paths of the main context that files of it name.
	pipFiles func(context.Context) ([]string, error)

	mu    sync.Mutex
	loads map[string]func() loadedContext
}

type loadedContext struct {
	state llb.State
	ok    bool // the client gave one of that name
	err   error
}

func newContexts(b *builder, overrides graph.Overrides, platform ocispecs.Platform) *contexts {
	return &contexts{
		bc: b.bc, spec: b.spec, overrides: overrides, platform: platform, pipFiles: b.sentForPip,
		loads: map[string]func() loadedContext{},
	}
}

// get returns the context of a name; ok is false if the client gave none.
func (c *contexts) get(ctx context.Context, name string) (st llb.State, ok bool, err error) {
	c.mu.Lock()
	load := c.loads[name]
	if load == nil {
		load = sync.OnceValue(func() loadedContext { return c.load(ctx, name) })
		c.loads[name] = load
	}
	c.mu.Unlock()
	loaded := load()
	return loaded.state, loaded.ok, loaded.err
}

// warm loads what every graph of the spec asks for. What goes wrong is said when it is asked.
func (c *contexts) warm(ctx context.Context) {
	var all sync.WaitGroup
	for _, name := range []string{"", graph.KeysContext} {
		if _, used := graph.ContextPaths(c.spec, c.overrides, nil, name); used {
			all.Go(func() { _, _, _ = c.get(ctx, name) })
		}
	}
	all.Wait()
}

func (c *contexts) load(ctx context.Context, name string) loadedContext {
	var pipFiles []string
	if name == "" {
		// What is wrong with them is said to the graph that has pip run.
		pipFiles, _ = c.pipFiles(ctx)
	}
	var only []llb.LocalOption
	if paths, _ := graph.ContextPaths(c.spec, c.overrides, pipFiles, name); len(paths) > 0 {
		only = append(only, llb.FollowPaths(paths))
	}
	if name == "" {
		st, err := c.bc.MainContext(ctx, only...)
		if err != nil {
			return loadedContext{err: errors.Wrap(err, "load the build context")}
		}
		return loadedContext{state: *st, ok: true}
	}
	named, err := c.bc.NamedContext(name, dockerui.ContextOpt{
		Platform:       &c.platform,
		ResolveMode:    c.bc.ImageResolveMode.String(),
		AsyncLocalOpts: func() []llb.LocalOption { return only },
	})
	if err != nil || named == nil {
		return loadedContext{err: err}
	}
	st, _, err := named.Load(ctx)
	if err != nil {
		return loadedContext{err: errors.Wrapf(err, "load the build context %s", name)}
	}
	return loadedContext{state: *st, ok: true}
}
