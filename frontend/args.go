package frontend

import (
	"maps"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/frontend/dockerui"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	graph "github.com/autumnjolitz/distroless-frontend/llb"
	"github.com/autumnjolitz/distroless-frontend/spec"
)

// predefinedArgs returns the build arguments that have a value without anyone giving one:
// https://docs.docker.com/reference/dockerfile/#automatic-platform-args-in-the-global-scope
func predefinedArgs(target, host ocispecs.Platform, stage string) map[string]string {
	return map[string]string{
		"BUILDPLATFORM":   platforms.Format(host),
		"BUILDOS":         host.OS,
		"BUILDOSVERSION":  host.OSVersion,
		"BUILDARCH":       host.Architecture,
		"BUILDVARIANT":    host.Variant,
		"TARGETPLATFORM":  platforms.FormatAll(target),
		"TARGETOS":        target.OS,
		"TARGETOSVERSION": target.OSVersion,
		"TARGETARCH":      target.Architecture,
		"TARGETVARIANT":   target.Variant,
		"TARGETSTAGE":     stage,
	}
}

// parseFor reads the spec as it is for a platform, nil being the daemon's own.
func parseFor(bc *dockerui.Client, src *dockerui.Source, platform *ocispecs.Platform) (*spec.Spec, error) {
	host := bc.BuildPlatforms[0]
	if platform == nil {
		platform = &host
	}
	stage := bc.Target
	if t, err := findTarget(bc.Target); err == nil {
		stage = t.name
	}
	return spec.ParseWith(src.Filename, src.Data, spec.Variables{
		BuildArgs:  bc.BuildArgs,
		Predefined: predefinedArgs(*platform, host, stage),
	})
}

// parse reads the spec as it is for the first of the platforms.
func parse(bc *dockerui.Client, src *dockerui.Source) (*spec.Spec, error) {
	if len(bc.TargetPlatforms) == 0 {
		return parseFor(bc, src, nil)
	}
	return parseFor(bc, src, &bc.TargetPlatforms[0])
}

// unconsumedArgs returns the names of the client's build arguments that nothing reads, sorted.
func unconsumedArgs(buildArgs map[string]string, s *spec.Spec) []string {
	known := predefinedArgs(ocispecs.Platform{}, ocispecs.Platform{}, "")
	for _, arg := range s.Args {
		known[arg.Name] = ""
	}
	for _, arg := range graph.BuildArgs() {
		known[arg.Name] = ""
	}
	for _, arg := range ownBuildArgs() {
		known[arg.Name] = ""
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(buildArgs)), func(name string) bool {
		_, ok := known[name]
		return ok || strings.HasPrefix(name, "BUILDKIT_") || isProxyArg(name)
	})
}

// ownBuildArgs are those that concern the build as a whole.
func ownBuildArgs() []graph.BuildArg {
	return []graph.BuildArg{
		{Name: "SOURCE_DATE_EPOCH", Description: "When the image is said to be created, in seconds since 1970"},
	}
}

// isProxyArg tells whether proxyEnv reads the build argument.
func isProxyArg(name string) bool {
	return proxyEnv(map[string]string{name: "x"}) != nil
}
