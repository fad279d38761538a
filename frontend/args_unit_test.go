package frontend

import (
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

func TestParseForAPlatform(t *testing.T) {
	amd64 := ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	armv7 := ocispecs.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}
	text := "python: '3.13'\nalpine: '3.20'\nargs:\n  BUILDPLATFORM:\n  TARGETPLATFORM:\n  TARGETARCH:\n  TARGETVARIANT:\n  TARGETSTAGE:\n" +
		"env: {ALL: \"$BUILDPLATFORM $TARGETPLATFORM $TARGETARCH $TARGETVARIANT $TARGETSTAGE\"}\n"
	src := &dockerui.Source{SourceMap: llb.NewSourceMap(nil, "Dockerfile", "YAML", []byte(text))}
	bc := &dockerui.Client{}
	bc.BuildPlatforms = []ocispecs.Platform{amd64}
	for want, test := range map[string]struct {
		platform *ocispecs.Platform
		target   string
		args     map[string]string
	}{
		"linux/amd64 linux/amd64 amd64  final":      {nil, "", nil},
		"linux/amd64 linux/arm/v7 arm v7 buildroot": {&armv7, "BuildRoot", nil},
		"linux/amd64 mine arm v7 final":             {&armv7, "", map[string]string{"TARGETPLATFORM": "mine"}},
	} {
		bc.Target, bc.BuildArgs = test.target, test.args
		s, err := parseFor(bc, src, test.platform)
		require.NoError(t, err)
		require.Equal(t, want, s.Env[0].Value)
	}
}

func TestUnconsumedArgs(t *testing.T) {
	s, err := spec.Parse("Dockerfile", []byte("python: '3.13'\nalpine: '3.20'\nargs: {DECLARED: 1}\n"))
	require.NoError(t, err)
	require.Equal(t, []string{"A", "Z", "pip_index_url"}, unconsumedArgs(map[string]string{
		"Z": "", "A": "", "pip_index_url": "", // names have a case
		"DECLARED": "", "TARGETARCH": "", "PIP_INDEX_URL": "", "APK_REPOSITORIES": "", "SOURCE_DATE_EPOCH": "",
		"HTTP_PROXY": "", "https_proxy": "", "NO_PROXY": "", "BUILDKIT_INLINE_CACHE": "", "BUILDKIT_SYNTAX": "",
	}, s))
}
