package frontend

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	"github.com/moby/buildkit/util/suggest"

	graph "github.com/autumnjolitz/distroless-frontend/llb"
)

// warnOfIgnored tells the client which of its options mean nothing to this spec or this
// daemon. That it cannot be told is no reason to build nothing.
func (b *builder) warnOfIgnored(ctx context.Context) {
	for _, ignored := range slices.Concat(b.ignoredContexts(), b.ignoredFilters(), b.ignoredScans(), b.ignoredLimits()) {
		b.src.Warn(ctx, ignored, client.WarnOpts{})
	}
}

// ignoredContexts finds the named contexts that nothing in the spec names.
func (b *builder) ignoredContexts() []string {
	var ignored []string
	base, _ := b.baseName()
	overrides, _ := graph.OverridesFrom(b.bc.BuildArgs) // what is wrong with them ends the build
	for _, option := range slices.Sorted(maps.Keys(b.bc.BuildOpts().Opts)) {
		name, ok := strings.CutPrefix(option, "context:")
		if !ok {
			continue
		}
		name, _, _ = strings.Cut(name, "::") // which platform it is for
		if _, used := graph.ContextPaths(b.spec, overrides, nil, name); used || contextName(name) == contextName(base) {
			continue
		}
		ignored = append(ignored, fmt.Sprintf("--build-context %s: nothing in the spec names a context %q", name, name))
	}
	return ignored
}

// contextName returns the name by which BuildKit looks a context up.
func contextName(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	return strings.TrimSuffix(reference.FamiliarString(reference.TagNameOnly(named)), ":latest")
}

// ignoredFilters finds the names in --no-cache-filter that no step has.
func (b *builder) ignoredFilters() []string {
	var ignored []string
	groups := append(graph.Groups(), sbomGroup)
	for name := range strings.SplitSeq(b.bc.BuildOpts().Opts["no-cache"], ",") {
		if name == "" || slices.ContainsFunc(groups, func(group string) bool { return strings.EqualFold(group, name) }) {
			continue
		}
		text := fmt.Sprintf("--no-cache-filter %s: no steps are of that name: expected one of %s", name, strings.Join(groups, ", "))
		if alike, ok := suggest.Search(name, groups, false); ok {
			text += fmt.Sprintf(", did you mean %s?", alike)
		}
		ignored = append(ignored, text)
	}
	return ignored
}

// ignoredScans finds the stages to scan that no spec has.
func (b *builder) ignoredScans() []string {
	var ignored []string
	value := b.bc.BuildArgs[argScanStage]
	if _, err := strconv.ParseBool(value); err == nil || value == "" {
		return nil
	}
	for name := range strings.SplitSeq(value, ",") {
		if !slices.Contains(graph.StageNames(), name) {
			ignored = append(ignored, fmt.Sprintf("build argument %s: there is no stage %q: expected true, or some of %s",
				argScanStage, name, strings.Join(graph.StageNames(), ", ")))
		}
	}
	return ignored
}

// ignoredLimits finds what is wanted of the steps and the daemon cannot give.
func (b *builder) ignoredLimits() []string {
	var ignored []string
	for _, limit := range []struct {
		option string
		given  bool
		needs  apicaps.CapID
	}{
		{"--shm-size", b.bc.ShmSize > 0, pb.CapExecMountTmpfsSize},
		{"--ulimit", len(b.bc.Ulimits) > 0, pb.CapExecMetaUlimit},
		{"--resource", b.bc.LinuxResources != nil, pb.CapExecMetaLinuxResources},
		{"--cgroup-parent", b.bc.CgroupParent != "", pb.CapExecMetaCgroupParent},
	} {
		if limit.given && !b.supports(limit.needs) {
			ignored = append(ignored, limit.option+": the BuildKit of this daemon is too old for it")
		}
	}
	return ignored
}
