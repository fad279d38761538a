package llb

import (
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
)

// execs returns the ops of a definition that execute something, by the digest of each, and all
// ops by digest.
func execs(t *testing.T, def *llb.Definition) (execs, all map[digest.Digest]*pb.Op) {
	t.Helper()
	execs, all = map[digest.Digest]*pb.Op{}, map[digest.Digest]*pb.Op{}
	for i, op := range ops(t, def) {
		dgst := digest.FromBytes(def.Def[i])
		all[dgst] = op
		if op.GetExec() != nil {
			execs[dgst] = op
		}
	}
	return execs, all
}

// executesOn returns the architecture that the root file system of an exec is of: that of the
// image at the bottom of it.
func executesOn(t *testing.T, op *pb.Op, all map[digest.Digest]*pb.Op) string {
	t.Helper()
	for op.GetSource() == nil {
		input := op.Inputs[0]
		if exec := op.GetExec(); exec != nil {
			for _, mount := range exec.Mounts {
				if mount.Dest == pb.RootMount {
					input = op.Inputs[mount.Input]
				}
			}
		}
		op = all[digest.Digest(input.Digest)]
		require.NotNil(t, op)
	}
	require.NotNil(t, op.Platform, op.GetSource().Identifier)
	return op.Platform.Architecture
}

// of returns a change of options to another platform than that of the daemon.
func of(t *testing.T, arch string, emulated bool) func(*Options) {
	return func(o *Options) { o.Base, o.Emulated = testBase(t, arch), emulated }
}

const foreignSpec = minimal + `
packages: [libpq]
pip: {requirements: [requirements.txt]}
apk: {build: [gcc], keys: [keys/mirror.rsa.pub]}
files: [{from: hello.py, to: /app/}]
workdir: /app
`

// Without emulation, no op executes what is for another platform.
func TestForeignProgramsAreNotExecuted(t *testing.T) {
	for _, target := range []func(*Graph) (llb.State, error){(*Graph).Final, (*Graph).Buildroot} {
		found, all := execs(t, marshal(t, testGraph(t, foreignSpec, of(t, "arm64", false)), target))
		require.NotEmpty(t, found)
		for _, op := range found {
			require.Equal(t, "amd64", op.Platform.Architecture, "%v", op.GetExec().Meta.Args)
			require.Equal(t, "amd64", executesOn(t, op, all), "%v", op.GetExec().Meta.Args)
		}
	}
}

// With emulation, what may have to run scripts executes on the base of the result, and nothing
// else: what pip builds with is that of the build platform.
func TestEmulationIsForScripts(t *testing.T) {
	for _, test := range []struct {
		target   func(*Graph) (llb.State, error)
		emulated map[string]bool
	}{
		{(*Graph).Final, map[string]bool{"packages.sh": true}},
		{(*Graph).Buildroot, map[string]bool{"packages.sh": true, "builder.sh": true}},
	} {
		found, all := execs(t, marshal(t, testGraph(t, foreignSpec, of(t, "arm64", true)), test.target))
		for _, op := range found {
			want := "amd64"
			for _, arg := range op.GetExec().Meta.Args {
				if test.emulated[arg[strings.LastIndex(arg, "/")+1:]] {
					want = "arm64"
				}
			}
			require.Equal(t, want, op.Platform.Architecture, "%v", op.GetExec().Meta.Args)
			require.Equal(t, want, executesOn(t, op, all), "%v", op.GetExec().Meta.Args)
		}
	}
}

// With emulation, source distributions are built on the platform of the image, where pip has
// downloaded any: its other ops stay on that of the daemon, and without it nothing asks for them.
func TestSourcesAreBuiltUnderEmulation(t *testing.T) {
	scripts := []string{"pip_download.py", "pip_build.py", "pip_install.py", "builder.sh"}
	// found has what platforms each executes on.
	found := func(emulated bool) map[string][]string {
		on := map[string][]string{}
		g := testGraph(t, foreignSpec, func(o *Options) {
			of(t, "arm64", emulated)(o)
			o.HasSources = func(llb.State) (bool, error) { return true, nil }
		})
		execs, all := execs(t, marshal(t, g, (*Graph).Final))
		for _, op := range execs {
			for _, script := range scripts {
				if slices.Contains(op.GetExec().Meta.Args, opsDir+"/"+script) {
					on[script] = append(on[script], executesOn(t, op, all))
					slices.Sort(on[script])
				}
			}
		}
		return on
	}
	daemons := []string{"amd64"}
	require.Equal(t, map[string][]string{"pip_download.py": daemons, "pip_install.py": daemons, "builder.sh": daemons}, found(false))
	require.Equal(t, map[string][]string{
		"pip_download.py": daemons,
		"pip_install.py":  daemons,
		"pip_build.py":    {"arm64"},
		"builder.sh":      {"amd64", "arm64"},
	}, found(true))
}

// The platforms of a build have the root of the daemon's platform and the standard library in
// common: each is one vertex, and nothing else that takes long is there twice for one platform.
func TestPlatformsShareOps(t *testing.T) {
	native, _ := execs(t, marshal(t, testGraph(t, minimal, nil), (*Graph).Final))
	foreign, _ := execs(t, marshal(t, testGraph(t, minimal, of(t, "arm64", false)), (*Graph).Final))
	var common []string
	for dgst, op := range foreign {
		if native[dgst] != nil {
			common = append(common, strings.Join(op.GetExec().Meta.Args, " "))
		}
	}
	require.Len(t, common, 2, "%v", common)
	require.Len(t, native, 3)
	require.Len(t, foreign, 4, "and its own root and interpreter")
}

// A tag is published one platform at a time. Until all have the new version, each has the
// library of its own.
func TestVersionsOfPlatformsMayDiffer(t *testing.T) {
	older := func(o *Options) {
		o.Base = testBase(t, "arm64")
		o.Base.Python = "3.13.4"
	}
	found, all := execs(t, marshal(t, testGraph(t, minimal, older), (*Graph).Final))
	var compiled int
	for _, op := range found {
		args := strings.Join(op.GetExec().Meta.Args, " ")
		require.NotContains(t, args, "--same-library")
		if strings.Contains(args, "stdlib.py") {
			compiled++
			require.Contains(t, args, "--base "+baseDir)
			require.Equal(t, "amd64", executesOn(t, op, all))
		}
	}
	require.Equal(t, 1, compiled)
}

// The graph does not depend on which of the two platforms is the daemon's, but for where ops execute.
func TestAnyPlatformMayBeTheDaemons(t *testing.T) {
	swapped := testGraph(t, foreignSpec, func(o *Options) { o.BuildBase = testBase(t, "arm64") })
	found, all := execs(t, marshal(t, swapped, (*Graph).Final))
	straight, _ := execs(t, marshal(t, testGraph(t, foreignSpec, of(t, "arm64", false)), (*Graph).Final))
	require.Len(t, found, len(straight))
	for _, op := range found {
		require.Equal(t, "arm64", executesOn(t, op, all), "%v", op.GetExec().Meta.Args)
	}
}

// pip is told the machine of the image where it executes on another.
func TestPipKnowsTheMachineOfTheImage(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"native":   {nil, ""},
		"foreign":  {of(t, "arm64", false), "--machine aarch64 --platform linux/arm64"},
		"emulated": {of(t, "arm64", true), "--machine aarch64 --platform linux/arm64"},
		"variant": {func(o *Options) {
			o.Base = testBase(t, "arm")
			o.Base.Platform.Variant = "v6"
		}, "--machine armv6l --platform linux/arm/v6"},
	} {
		t.Run(name, func(t *testing.T) {
			found, _ := execs(t, marshal(t, testGraph(t, foreignSpec, test.change), (*Graph).Final))
			var pips int
			for _, op := range found {
				args := strings.Join(op.GetExec().Meta.Args, " ")
				if !strings.Contains(args, "/pip_") {
					continue
				}
				pips++
				require.Contains(t, args, test.want)
				require.Equal(t, test.want == "", !strings.Contains(args, "--machine"), args)
			}
			require.Equal(t, 2, pips)
		})
	}
}
