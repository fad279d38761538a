package frontend

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"
)

func (b *builder) supports(id apicaps.CapID) bool {
	caps := b.bc.BuildOpts().LLBCaps
	return (&caps).Supports(id) == nil
}

// namePrefixes are what tells the ops for one image, and those for the build platform, from the
// ops for another. They name platforms where there is more than one.
func (b *builder) namePrefixes(platform, build ocispecs.Platform) (forPlatform, forBuild string) {
	if len(b.bc.TargetPlatforms) < 2 && sameMachine(platform, build) {
		return b.prefix, b.prefix
	}
	named := func(p ocispecs.Platform) string { return strings.TrimSpace(b.prefix + " " + platforms.Format(p)) }
	return named(platform), named(build)
}

// execOptions passes on what the client wants of everything that executes, as far as the
// daemon can give it.
func (b *builder) execOptions() []llb.RunOption {
	var options []llb.RunOption
	for _, host := range b.bc.ExtraHosts {
		options = append(options, llb.AddExtraHost(host.Host, host.IP))
	}
	if b.bc.ShmSize > 0 && b.supports(pb.CapExecMountTmpfsSize) {
		options = append(options, llb.AddMount("/dev/shm", llb.Scratch(), llb.Tmpfs(llb.TmpfsSize(b.bc.ShmSize))))
	}
	if b.supports(pb.CapExecMetaUlimit) {
		for _, u := range b.bc.Ulimits {
			options = append(options, llb.AddUlimit(llb.UlimitName(u.Name), u.Soft, u.Hard))
		}
	}
	if r := b.bc.LinuxResources; r != nil && b.supports(pb.CapExecMetaLinuxResources) {
		options = append(options, llb.WithLinuxResources(llb.LinuxResources{
			Memory: r.Memory, MemorySwap: r.MemorySwap,
			CPUShares: r.CpuShares, CPUPeriod: r.CpuPeriod, CPUQuota: r.CpuQuota,
			CpusetCpus: r.CpusetCpus, CpusetMems: r.CpusetMems,
		}))
	}
	if b.bc.Hostname != "" {
		options = append(options, llb.With(llb.Hostname(b.bc.Hostname)))
	}
	if b.bc.CgroupParent != "" && b.supports(pb.CapExecMetaCgroupParent) {
		options = append(options, llb.WithCgroupParent(b.bc.CgroupParent))
	}
	if proxy := proxyEnv(b.bc.BuildArgs); proxy != nil {
		options = append(options, llb.WithProxy(*proxy))
	}
	return options
}

// proxyEnv reads the proxies, whose build arguments every frontend takes in either case.
// They are no part of an op's digest.
func proxyEnv(args map[string]string) *llb.ProxyEnv {
	var proxy llb.ProxyEnv
	fields := map[string]*string{
		"http_proxy": &proxy.HTTPProxy, "https_proxy": &proxy.HTTPSProxy, "ftp_proxy": &proxy.FTPProxy,
		"no_proxy": &proxy.NoProxy, "all_proxy": &proxy.AllProxy,
	}
	for _, name := range slices.Sorted(maps.Keys(args)) {
		if field, ok := fields[strings.ToLower(name)]; ok {
			*field = args[name]
		}
	}
	if proxy == (llb.ProxyEnv{}) {
		return nil
	}
	return &proxy
}

// sourceDateEpoch returns the time the image is said to be created at, or nil for now. It is
// given in seconds, or as "context" for the time of the commit that a remote context is of.
// https://reproducible-builds.org/specs/source-date-epoch/
func sourceDateEpoch(ctx context.Context, bc *dockerui.Client) (*time.Time, error) {
	value := bc.BuildArgs["SOURCE_DATE_EPOCH"]
	switch value {
	case "":
		return nil, nil
	case "context":
		epoch, err := bc.ResolveMainContextSourceDateEpoch(ctx)
		return epoch, errors.Wrap(err, "find the time of the build context for SOURCE_DATE_EPOCH")
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil || seconds < 0 {
		return nil, errors.Errorf(`build argument SOURCE_DATE_EPOCH is %q: expected seconds since 1970, such as 0, or "context"`, value)
	}
	epoch := time.Unix(seconds, 0).UTC()
	return &epoch, nil
}
