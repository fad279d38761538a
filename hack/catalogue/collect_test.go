package main

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/require"
)

// A shelf is a registry for a test.
type shelf struct {
	t    *testing.T
	host string
}

func newShelf(t *testing.T) *shelf {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	return &shelf{t: t, host: strings.TrimPrefix(server.URL, "http://")}
}

func randomImage(t *testing.T) v1.Image {
	t.Helper()
	image, err := random.Image(300, 2)
	require.NoError(t, err)
	return image
}

// pulled is what a client transfers of an image besides its manifest.
func pulled(t *testing.T, image v1.Image) int64 {
	t.Helper()
	config, err := image.RawConfigFile()
	require.NoError(t, err)
	total := int64(len(config))
	layers, err := image.Layers()
	require.NoError(t, err)
	for _, layer := range layers {
		size, err := layer.Size()
		require.NoError(t, err)
		total += size
	}
	return total
}

// put pushes an index of images, by platform in this order, and returns its digest.
func (s *shelf) put(ref string, platforms []string, images ...v1.Image) string {
	s.t.Helper()
	index := v1.ImageIndex(empty.Index)
	for i, image := range images {
		os, architecture, _ := strings.Cut(platforms[i], "/")
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: os, Architecture: architecture}},
		})
	}
	tag, err := name.NewTag(s.host + "/" + ref)
	require.NoError(s.t, err)
	require.NoError(s.t, remote.WriteIndex(tag, index))
	digest, err := index.Digest()
	require.NoError(s.t, err)
	return digest.String()
}

func TestSizesAreOfOnePlatform(t *testing.T) {
	s := newShelf(t)
	arm, amd, attestation := randomImage(t), randomImage(t), randomImage(t)
	s.put("me/python:both", []string{"linux/arm64", "unknown/unknown", "linux/amd64"}, arm, attestation, amd)
	s.put("me/python:arm", []string{"unknown/unknown", "linux/arm64"}, attestation, arm)
	single, err := name.NewTag(s.host + "/me/python:single")
	require.NoError(t, err)
	require.NoError(t, remote.Write(single, attestation))
	signature, err := name.NewTag(s.host + "/me/python:sha256-0000.sig")
	require.NoError(t, err)
	require.NoError(t, remote.Write(signature, attestation))

	images, err := (&collector{repositories: []string{s.host + "/me/python"}}).collect(t.Context())
	require.NoError(t, err)
	sizes := map[string]int64{}
	for _, image := range images {
		sizes[image.Tag] = image.Size
	}
	require.Equal(t, map[string]int64{"both": pulled(t, amd), "arm": pulled(t, arm), "single": pulled(t, attestation)}, sizes)
}

// metadata writes a file as bake does.
func metadata(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "metadata.json")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	return file
}

func TestMetadataAndRegistryAgree(t *testing.T) {
	s := newShelf(t)
	image := randomImage(t)
	var digest string
	for _, tag := range []string{"3.9-alpine3.20", "3.14-alpine3.20", "3.14.1-alpine3.20"} {
		digest = s.put("me/python:"+tag, []string{"linux/amd64"}, image)
	}
	prefix := s.host + "/me/python:"
	file := metadata(t, fmt.Sprintf(`{"buildx.build.warnings": [{}], "not-pushed": {"buildx.build.ref": "x"},
		"final": {"containerimage.digest": %q, "image.name": "%s3.9-alpine3.20,%[2]s3.14.1-alpine3.20,%[2]s3.14-alpine3.20"}}`, digest, prefix))

	var fromFile, fromRegistry bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"collect", "-metadata", file, "-o", "-"}, &fromFile))
	require.NoError(t, run(t.Context(), []string{"collect", "-repository", s.host + "/me/python", "-o", "-"}, &fromRegistry))
	require.Equal(t, fromRegistry.String(), fromFile.String())

	_, err := decodeVariables(fromFile.Bytes())
	require.NoError(t, err)
	images, err := readImages(metadata(t, fromFile.String()))
	require.NoError(t, err)
	require.Len(t, images, 3)
	require.Equal(t, Image{
		Registry: s.host, Path: "me/python", Tag: "3.14.1-alpine3.20", URL: prefix + "3.14.1-alpine3.20",
		Digest: digest, Size: pulled(t, image),
	}, images[0])
	require.Equal(t, "3.14-alpine3.20", images[1].Tag)
	require.Equal(t, "3.9-alpine3.20", images[2].Tag, "3.9 is older than 3.14")
}

// What is built again replaces its entry; what failed this time keeps its own.
func TestKeep(t *testing.T) {
	s := newShelf(t)
	s.put("me/python:3.13", []string{"linux/amd64"}, randomImage(t))
	first := s.put("me/python:3.14", []string{"linux/amd64"}, randomImage(t))
	list := filepath.Join(t.TempDir(), "images.json")
	collect := func(args ...string) []Image {
		require.NoError(t, run(t.Context(), append([]string{"collect", "-o", list}, args...), io.Discard))
		images, err := readImages(list)
		require.NoError(t, err)
		return images
	}
	before := collect("-keep", "-repository", s.host+"/me/python")
	require.Len(t, before, 2)

	second := s.put("me/python:3.14", []string{"linux/amd64"}, randomImage(t))
	require.NotEqual(t, first, second)
	file := metadata(t, fmt.Sprintf(`{"final": {"containerimage.digest": %q, "image.name": "%s/me/python:3.14"}}`, second, s.host))
	after := collect("-keep", "-metadata", file)
	require.Len(t, after, 2)
	require.Equal(t, second, after[0].Digest)
	require.Equal(t, before[1], after[1])
	require.Len(t, collect("-metadata", file), 1)
}

func TestPackagePages(t *testing.T) {
	c := collector{source: "https://github.com/me/project"}
	for _, test := range []struct{ registry, path, want string }{
		{"docker.io", "me/python", "https://hub.docker.com/r/me/python/tags?name=3.14"},
		{"ghcr.io", "me/python", "https://github.com/me/project/pkgs/container/python?tag=3.14"},
		{"ghcr.io", "me/deep/python", "https://github.com/me/project/pkgs/container/deep%2Fpython?tag=3.14"},
		{"quay.io", "me/python", ""},
	} {
		require.Equal(t, test.want, c.packageURL(Image{Registry: test.registry, Path: test.path, Tag: "3.14"}))
	}
}

// Nothing is written when something is wrong.
func TestErrors(t *testing.T) {
	s := newShelf(t)
	digest := s.put("me/python:3.14", []string{"unknown/unknown"}, randomImage(t))
	entry := func(digest, names string) string {
		return metadata(t, fmt.Sprintf(`{"final": {"containerimage.digest": %q, "image.name": %q}}`, digest, names))
	}
	for _, test := range []struct {
		want string
		args []string
	}{
		{"expected collect or render", nil},
		{"expected -metadata or -repository", []string{"collect"}},
		{`unexpected argument "x"`, []string{"render", "x"}},
		{"no such file", []string{"collect", "-metadata", "absent.json"}},
		{"no target has both", []string{"collect", "-metadata", metadata(t, `{"final": {}}`)}},
		{"metadata.json: final: json", []string{"collect", "-metadata", metadata(t, `{"final": 7}`)}},
		{"invalid reference format", []string{"collect", "-metadata", entry(digest, "Bad Name")}},
		{"has no image for a platform", []string{"collect", "-metadata", entry(digest, s.host+"/me/python:3.14")}},
		{"MANIFEST_UNKNOWN", []string{"collect", "-metadata", entry("sha256:"+strings.Repeat("0", 64), s.host+"/me/python:3.14")}},
		{"NAME_UNKNOWN", []string{"collect", "-repository", s.host + "/me/absent"}},
	} {
		list := filepath.Join(t.TempDir(), "images.json")
		args := test.args
		if len(args) > 0 && args[0] == "collect" {
			args = append(args, "-o", list)
		}
		require.ErrorContains(t, run(t.Context(), args, io.Discard), test.want)
		require.NoFileExists(t, list)
	}
}
