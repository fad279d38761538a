package frontend

import (
	"bytes"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

func TestIsDockerfile(t *testing.T) {
	for text, want := range map[string]bool{
		"#syntax=x\n\nFROM a":              true,
		"\xef\xbb\xbffrom a\nENV FOO":      true,
		"ARG X=1\nFROM a":                  true,
		"FROM a\nRUN <<EOF\nno end":        true,
		"python: '3.13'\n":                 false,
		"# FROM a\npython: '3.13'\nFROM a": false,
		"":                                 false,
		"- FROM a":                         false,
	} {
		require.Equal(t, want, isDockerfile([]byte(text)), "%q", text)
	}
}

func TestFindReferences(t *testing.T) {
	amd64 := ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	arm64 := ocispecs.Platform{OS: "linux", Architecture: "arm64"}
	const image = "x/distroless-python:3.13-alpine3.20"
	for name, test := range map[string]struct {
		file, target string
		args         map[string]string
		want         []string
	}{
		"from":          {"FROM " + image, "", nil, []string{image + "::linux/arm64"}},
		"any registry":  {"FROM localhost:5000/a/b/distroless-python:3.13.5-alpine3.20-buildroot", "", nil, []string{"localhost:5000/a/b/distroless-python:3.13.5-alpine3.20-buildroot::linux/arm64"}},
		"by digest":     {"FROM " + image + "@sha256:" + string(bytes.Repeat([]byte("0"), 64)), "", nil, nil},
		"another image": {"FROM x/distroless-python:latest", "", nil, nil},
		"build platform": {
			"FROM --platform=$BUILDPLATFORM " + image + "-buildroot AS b\nFROM " + image + "\nCOPY --from=b / /", "", nil,
			[]string{image + "::linux/arm64", image + "-buildroot::linux/amd64"},
		},
		"copy and mount": {
			"FROM scratch\nCOPY --from=" + image + " / /\nRUN --mount=from=" + image + "-buildroot,target=/b true", "", nil,
			[]string{image + "::linux/arm64", image + "-buildroot::linux/arm64"},
		},
		"arguments":             {"ARG PY=3.13\nARG PY\nFROM x/distroless-python:${PY}-alpine3.20", "", nil, []string{image + "::linux/arm64"}},
		"build arguments":       {"ARG PY=3.12\nFROM x/distroless-python:${PY}-alpine3.20", "", map[string]string{"PY": "3.13"}, []string{image + "::linux/arm64"}},
		"stage of that name":    {"FROM scratch AS base\nFROM base\nCOPY --from=0 / /", "", nil, nil},
		"not of the target":     {"FROM x/distroless-python:3.99-alpine3.99 AS other\nFROM " + image + " AS prod", "prod", nil, []string{image + "::linux/arm64"}},
		"not of the last stage": {"FROM x/distroless-python:3.99-alpine3.99 AS other\nFROM scratch", "", nil, nil},
		"every stage": {
			"FROM " + image + " AS other\nFROM " + image + "-buildroot", "*", nil,
			[]string{image + "::linux/arm64", image + "-buildroot::linux/arm64"},
		},
		"no such target": {"FROM " + image, "nothing", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := parser.Parse(bytes.NewReader([]byte(test.file)))
			require.NoError(t, err)
			refs, err := findReferences(file, test.target, test.args, arm64, amd64)
			require.NoError(t, err)
			var got []string
			for _, ref := range refs {
				got = append(got, ref.key())
			}
			require.ElementsMatch(t, test.want, got)
		})
	}
}
