package frontend_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	apicapspb "github.com/moby/buildkit/util/apicaps/pb"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/frontend"
	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// What means nothing to a spec is said, and what means something is not.
func TestIntegrationBuildxIgnoredOptions(t *testing.T) {
	x := newBuildx(t, sharedDaemon)
	dir := contextDir(t, map[string]string{"Dockerfile": minimal + copySpec, "marker": ""})
	res := x.must(line{dir: dir, args: []string{
		"--build-context", "asets=.", "--build-context", "python:3.13-alpine3.20=oci-layout://" + x.env.BaseLayout(),
		"--no-cache-filter", "pipp,Final", "--build-arg", "BUILDKIT_SBOM_SCAN_STAGE=base,bilder", ".",
	}})
	require.Equal(t, []string{
		`--build-context asets: nothing in the spec names a context "asets"`,
		"--no-cache-filter pipp: no steps are of that name: expected one of root, builder, python, pip, trim, files, final, buildroot, debug, test, sbom, did you mean pip?",
		`build argument BUILDKIT_SBOM_SCAN_STAGE: there is no stage "bilder": expected true, or some of base, builder`,
	}, warnings(res))
}

// An oldDaemon is the test's daemon without some of what it can do.
type oldDaemon struct {
	client.Client
	without []apicaps.CapID
}

func (d oldDaemon) BuildOpts() client.BuildOpts {
	opts := d.Client.BuildOpts()
	opts.LLBCaps = pb.Caps.CapSet(slices.DeleteFunc(pb.Caps.All(), func(c *apicapspb.APICap) bool {
		return !opts.LLBCaps.Contains(apicaps.CapID(c.ID)) || slices.Contains(d.without, apicaps.CapID(c.ID))
	}))
	return opts
}

// What an older daemon cannot give to the steps is said as well, and the image is built.
func TestIntegrationLimitsThatTheDaemonCannotSet(t *testing.T) {
	env := shared.Env(t)
	req := build{spec: minimal, BuildRequest: testenv.BuildRequest{FrontendAttrs: map[string]string{
		"shm-size": "16777216", "ulimit": "nofile=1000:2000", "cgroup-parent": "some", "memory": "1073741824",
	}}}.on(t, env)
	req.Frontend = func(ctx context.Context, c client.Client) (*client.Result, error) {
		return frontend.Build(ctx, oldDaemon{c, []apicaps.CapID{
			pb.CapExecMountTmpfsSize, pb.CapExecMetaUlimit, pb.CapExecMetaCgroupParent, pb.CapExecMetaLinuxResources,
		}})
	}
	res, err := env.Build(t.Context(), req)
	require.NoError(t, err, res.Log())
	var options []string
	for _, w := range res.Warnings {
		option, why, _ := strings.Cut(string(w.Short), ": ")
		require.Equal(t, "the BuildKit of this daemon is too old for it", why)
		options = append(options, option)
	}
	require.Equal(t, []string{"--shm-size", "--ulimit", "--resource", "--cgroup-parent"}, options)
}
