package frontend

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/attestations/sbom"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/result"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"

	graph "github.com/autumnjolitz/distroless-frontend/llb"
)

// The build arguments that say what is scanned besides the image, as for a Dockerfile.
// https://docs.docker.com/build/metadata/attestations/sbom/#arguments
const (
	argScanContext = "BUILDKIT_SBOM_SCAN_CONTEXT"
	argScanStage   = "BUILDKIT_SBOM_SCAN_STAGE"
)

// sbomGroup is the name by which a client says that generators are to run anew.
const sbomGroup = "sbom"

// sboms has the generator that the client named scan the images of a request. It does nothing
// if the client wants no SBOM.
type sboms struct {
	b         *builder
	scanner   sbom.Scanner
	generator ocispecs.Platform // that it is run for

	mu    sync.Mutex
	scans map[string]scan // by the id of the platform
}

// A scan is what is scanned for one platform.
type scan struct {
	core     llb.State
	extras   map[string]llb.State
	platform ocispecs.Platform
}

// newSBOMs finds the generator.
func newSBOMs(ctx context.Context, b *builder) (*sboms, error) {
	s := &sboms{b: b, generator: b.bc.BuildPlatforms[0], scans: map[string]scan{}}
	if b.bc.SBOM == nil {
		return s, nil
	}
	opt := sourceresolver.Opt{ImageOpt: &sourceresolver.ResolveImageOpt{
		ResolveMode: b.bc.ImageResolveMode.String(),
		Platform:    &s.generator,
	}}
	var err error
	s.scanner, err = sbom.CreateSBOMScanner(ctx, b.bc.GatewayClient(), b.bc.SBOM.Generator, s.generator, opt, b.bc.SBOM.Parameters)
	return s, errors.Wrapf(err, "find the SBOM generator %s", b.bc.SBOM.Generator)
}

// add notes what is to be scanned for a platform, nil being the default one.
func (s *sboms) add(platform *ocispecs.Platform, g *graph.Graph, core llb.State) error {
	if s.scanner == nil {
		return nil
	}
	extras, err := s.extras(g)
	if err != nil {
		return err
	}
	if platform == nil {
		platform = new(platforms.DefaultSpec())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scans[platforms.FormatAll(platforms.Normalize(*platform))] = scan{core: core, extras: extras, platform: g.Base.Platform}
	return nil
}

// extras returns what the client wants to have scanned besides the image.
func (s *sboms) extras(g *graph.Graph) (map[string]llb.State, error) {
	extras := map[string]llb.State{}
	_, used := graph.ContextPaths(s.b.spec, g.Overrides, nil, "")
	if wanted, _ := strconv.ParseBool(s.b.bc.BuildArgs[argScanContext]); wanted && used {
		main, _, err := g.Context("")
		if err != nil {
			return nil, err
		}
		extras["context"] = main
	}
	stages, err := g.Stages()
	if err != nil {
		return nil, err
	}
	for name, stage := range stages {
		if isEnabledFor(name, s.b.bc.BuildArgs[argScanStage]) {
			extras[name] = stage
		}
	}
	return extras, nil
}

// isEnabledFor reads a boolean, or a list of the stages it is true for.
func isEnabledFor(stage, value string) bool {
	if enabled, err := strconv.ParseBool(value); err == nil {
		return enabled
	}
	return slices.Contains(strings.Split(value, ","), stage)
}

// attach scans the images and adds what that gives to the result.
func (s *sboms) attach(ctx context.Context, rb *dockerui.ResultBuilder) error {
	if s.scanner == nil {
		return nil
	}
	return rb.EachPlatform(ctx, func(ctx context.Context, id string, _ ocispecs.Platform) error {
		scan, ok := s.scans[id]
		if !ok {
			return errors.Errorf("no image for %s to scan", id)
		}
		// The generator is of the daemon's platform, whatever it scans.
		options := []llb.ConstraintsOpt{llb.Platform(s.generator)}
		if s.b.bc.IsNoCache(sbomGroup) {
			options = append(options, llb.IgnoreCache)
		}
		attestation, err := s.scanner(ctx, id, scan.core, scan.extras, options...)
		if err != nil {
			return err
		}
		solved, err := result.ConvertAttestation(&attestation, func(st *llb.State) (client.Reference, error) {
			return s.b.solve(ctx, *st, scan.platform)
		})
		if err != nil {
			return err
		}
		rb.AddAttestation(id, *solved)
		return nil
	})
}
