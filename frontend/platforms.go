package frontend

import (
	"context"
	"slices"
	"sync"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"

	graph "github.com/autumnjolitz/distroless-frontend/llb"
)

// bases are the base images of a request by platform. Each is resolved once, since the
// platforms of a request have that of the build platform in common, and a tag may move.
type bases struct {
	mu       sync.Mutex
	resolved map[string]func() (*graph.Base, error)
}

func (s *bases) get(platform ocispecs.Platform, resolve func() (*graph.Base, error)) (*graph.Base, error) {
	key := platforms.FormatAll(platforms.Normalize(platform))
	s.mu.Lock()
	if s.resolved == nil {
		s.resolved = map[string]func() (*graph.Base, error){}
	}
	once := s.resolved[key]
	if once == nil {
		once = sync.OnceValues(resolve)
		s.resolved[key] = once
	}
	s.mu.Unlock()
	return once()
}

// resolveBases finds the base image for a platform, and the one that ops execute on.
func (b *builder) resolveBases(ctx context.Context, platform ocispecs.Platform) (base, build *graph.Base, err error) {
	host := b.bc.BuildPlatforms[0]
	if sameMachine(host, platform) {
		base, err = b.resolveBase(ctx, platform)
		return base, base, err
	}
	var all sync.WaitGroup
	var buildErr error
	all.Go(func() { build, buildErr = b.resolveBuildBase(ctx, host) })
	base, err = b.resolveBase(ctx, platform)
	all.Wait()
	switch {
	case err != nil:
		return nil, nil, err
	case buildErr != nil && b.emulates(platform):
		return base, base, nil
	case buildErr != nil:
		return nil, nil, buildErr
	}
	return base, build, b.checkPair(base, build)
}

// sameMachine says whether one machine executes programs for both platforms. That variants of an
// architecture differ does not keep it from that, or is for who asks for one to know.
func sameMachine(one, other ocispecs.Platform) bool {
	return one.OS == other.OS && one.Architecture == other.Architecture
}

// resolveBuildBase finds the base image for the platform of the daemon.
func (b *builder) resolveBuildBase(ctx context.Context, host ocispecs.Platform) (*graph.Base, error) {
	build, err := b.resolveBase(ctx, host)
	if err != nil {
		return nil, errors.Wrapf(err, "a build runs on the daemon's own platform, %s", platforms.Format(host))
	}
	// A named context may be of one platform, whatever is asked for, and so may a manifest.
	if got := build.Image.Architecture; got != "" && got != host.Architecture {
		name, path := b.baseName()
		err := errors.Errorf("the base image %s is for %s alone: expected one for %s as well, "+
			"the daemon's own platform, on which a build runs", name, got, platforms.Format(host))
		return nil, parser.WithLocation(err, b.locate(path))
	}
	return build, nil
}

// checkPair checks that the Python of one platform can work for the other: bytecode and the
// places of files are the same for all X.Y.Z of an X.Y.
func (b *builder) checkPair(base, build *graph.Base) error {
	if base.PythonXY() == build.PythonXY() {
		return nil
	}
	name, path := b.baseName()
	return parser.WithLocation(errors.Errorf("the base image %s has Python %s for %s and %s for %s: expected one X.Y for all platforms",
		name, base.Python, platforms.Format(base.Platform), build.Python, platforms.Format(build.Platform)), b.locate(path))
}

// emulates says whether the daemon, by its own account, executes programs of a platform.
func (b *builder) emulates(platform ocispecs.Platform) bool {
	for _, worker := range b.bc.BuildOpts().Workers {
		if slices.ContainsFunc(worker.Platforms, func(p ocispecs.Platform) bool { return platforms.OnlyStrict(p).Match(platform) }) {
			return true
		}
	}
	return false
}
