package frontend_test

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// topIndex returns the index that a layout's only entry is.
func topIndex(t *testing.T, dir string) *v1.IndexManifest {
	t.Helper()
	root, err := layout.ImageIndexFromPath(dir)
	require.NoError(t, err)
	top, err := root.IndexManifest()
	require.NoError(t, err)
	require.Len(t, top.Manifests, 1)
	index, err := root.ImageIndex(top.Manifests[0].Digest)
	require.NoError(t, err)
	manifest, err := index.IndexManifest()
	require.NoError(t, err)
	return manifest
}

func manifestOf(t *testing.T, res *testenv.BuildxResult) *v1.Manifest {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(res.Layout, "blobs", "sha256", res.Image.Digest.Encoded()))
	require.NoError(t, err)
	manifest, err := v1.ParseManifest(strings.NewReader(string(data)))
	require.NoError(t, err)
	return manifest
}

func TestIntegrationBuildxTarget(t *testing.T) {
	x := newBuildx(t, sharedDaemon)
	dockerfile := strings.Replace(onFinal, "3.20\n", "3.20 AS first\n", 1) + "LABEL stage=first\nFROM scratch\nCOPY --from=first /bin/sh /\n"
	first := x.must(line{args: []string{"--target", "first", "-"}, stdin: dockerfile}).Image
	require.Equal(t, "first", first.Config.Config.Labels["stage"])
	last := x.must(line{args: []string{"-"}, stdin: dockerfile}).Image
	require.NotContains(t, last.Config.Config.Labels, "stage")

	require.Contains(t, filesOf(t, x.must(line{args: []string{"--target", "buildroot", "-"}, stdin: minimal}).Image), "/usr/local/bin/chroot-apk")
	require.Contains(t, x.fails(line{args: []string{"--target", "buildrot", "-"}, stdin: minimal}), `there is no target "buildrot"`)
}

func TestIntegrationBuildxLabelsAndAnnotations(t *testing.T) {
	newBuildx(t, sharedDaemon).eachKind("labels: {mine: file, both: file}\n", "LABEL mine=file both=file\n", func(x *buildx, text string) {
		res := x.must(line{stdin: text, args: []string{
			"--label", "both=client", "--label", "theirs=client",
			// An index of its own is what annotations of one need.
			"--build-arg", "BUILDKIT_MULTI_PLATFORM=1",
			"--annotation", "a=1", "--annotation", "index:b=2", "--annotation", "manifest-descriptor:c=3", "-",
		}})
		labels := res.Image.Config.Config.Labels
		require.Equal(x.t, []string{"file", "client", "client"}, []string{labels["mine"], labels["both"], labels["theirs"]})
		require.Equal(x.t, "1", manifestOf(x.t, res).Annotations["a"])
		index := topIndex(x.t, res.Layout)
		require.Equal(x.t, "2", index.Annotations["b"])
		require.Equal(x.t, "3", index.Manifests[0].Annotations["c"])
	})
}

// One image is an index only if the client says so; the platform of an image is what it asked.
func TestIntegrationBuildxPlatform(t *testing.T) {
	newBuildx(t, sharedDaemon).eachKind("", "", func(x *buildx, text string) {
		for name, test := range map[string]struct {
			args  []string
			index bool
		}{
			"one":             {[]string{"--platform", "linux/amd64"}, false},
			"in an index":     {[]string{"--platform", "linux/amd64", "--build-arg", "BUILDKIT_MULTI_PLATFORM=1"}, true},
			"the daemon's":    {[]string{"--build-arg", "BUILDKIT_MULTI_PLATFORM=true"}, true},
			"not in an index": {[]string{"--build-arg", "BUILDKIT_MULTI_PLATFORM=0"}, false},
		} {
			x.t.Run(name, func(t *testing.T) {
				res := x.on(t).must(line{args: append(test.args, "--provenance=false", "-"), stdin: text})
				root, err := layout.ImageIndexFromPath(res.Layout)
				require.NoError(t, err)
				top, err := root.IndexManifest()
				require.NoError(t, err)
				require.Equal(t, test.index, top.Manifests[0].MediaType.IsIndex())
				if test.index {
					require.Equal(t, "linux/amd64", topIndex(t, res.Layout).Manifests[0].Platform.String())
				}
				require.Equal(t, "amd64", res.Image.Config.Architecture)
			})
		}
		out := x.fails(line{args: []string{"--platform", "linux/s390x", "-"}, stdin: text})
		require.Contains(x.t, out, "python:3.13-alpine3.20")
	})
}

// The predefined arguments of a Dockerfile reach it through the frontend.
func TestIntegrationBuildxPlatformArguments(t *testing.T) {
	const text = syntax + `FROM --platform=$BUILDPLATFORM autumnjolitz/distroless-python:3.13-alpine3.20
ARG TARGETPLATFORM TARGETOS TARGETARCH BUILDPLATFORM HTTP_PROXY MINE=default
LABEL platforms="$TARGETPLATFORM $TARGETOS $TARGETARCH $BUILDPLATFORM" proxy=$HTTP_PROXY mine=$MINE
`
	x := newBuildx(t, sharedDaemon)
	l := line{stdin: text, args: []string{"--platform", "linux/amd64", "--build-arg", "HTTP_PROXY=http://proxy.example", "--build-arg", "NO_PROXY=127.0.0.1", "-"}}
	labels := x.must(l).Image.Config.Config.Labels
	require.Equal(t, "linux/amd64 linux amd64 linux/amd64", labels["platforms"])
	require.Equal(t, "http://proxy.example", labels["proxy"])
	require.Equal(t, "default", labels["mine"])
	l.args = append([]string{"--build-arg", "MINE=given"}, l.args...)
	require.Equal(t, "given", x.must(l).Image.Config.Config.Labels["mine"])
}

// BUILDKIT_SYNTAX says which frontend builds a file, whatever its first line is.
func TestIntegrationBuildxSyntaxArgument(t *testing.T) {
	x := newBuildx(t, sharedDaemon)
	for name, text := range map[string]string{"spec": minimal, "Dockerfile": onFinal} {
		t.Run(name, func(t *testing.T) {
			_, rest, _ := strings.Cut(text, "\n")
			img := x.on(t).must(line{
				args: []string{"--build-arg", "BUILDKIT_SYNTAX=autumnjolitz/distroless-frontend", "-"}, stdin: "#syntax=absent/frontend\n" + rest,
			}).Image
			require.Equal(t, "Python 3.13.5\n", run(t, img, testenv.RunOptions{Args: []string{"-V"}}))
		})
	}
}

func TestIntegrationBuildxSourceDateEpoch(t *testing.T) {
	newBuildx(t, sharedDaemon).eachKind("", "", func(x *buildx, text string) {
		repository, _ := gitServer(x.t, map[string]string{"Dockerfile": text})
		for name, test := range map[string]struct {
			line
			want string
		}{
			"argument":            {line{args: []string{"--build-arg", "SOURCE_DATE_EPOCH=1700000000", repository}}, "2023-11-14T22:13:20Z"},
			"environment":         {line{args: []string{repository}, env: []string{"SOURCE_DATE_EPOCH=1700000001"}}, "2023-11-14T22:13:21Z"},
			"that of the context": {line{args: []string{"--build-arg", "SOURCE_DATE_EPOCH=context", repository}}, commitTime},
		} {
			x.t.Run(name, func(t *testing.T) {
				created := x.on(t).must(test.line).Image.Config.Created
				require.NotNil(t, created)
				require.Equal(t, test.want, created.UTC().Format(time.RFC3339))
			})
		}
	})
}

// tarNames returns the names in an archive, and what reads one of its files.
func tarNames(t *testing.T, path string) (names []string, read func(name string) string) {
	t.Helper()
	contents := map[string]string{}
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	archive := tar.NewReader(file)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return names, func(name string) string { return contents[name] }
		}
		require.NoError(t, err)
		names = append(names, header.Name)
		if header.Size < 1<<16 {
			data, err := io.ReadAll(archive)
			require.NoError(t, err)
			contents[header.Name] = string(data)
		}
	}
}

// Whatever becomes of the result, it is the image.
func TestIntegrationBuildxOutputs(t *testing.T) {
	newBuildx(t, sharedDaemon).eachKind(copySpec, copyDockerfile, func(x *buildx, text string) {
		dir := contextDir(x.t, map[string]string{"Dockerfile": text, "marker": "here"})
		out := x.t.TempDir()
		ref := x.env.Registry.Ref("test/outputs:1")
		res := x.must(line{dir: dir, noLayout: true, args: []string{
			"-o", "type=oci,dest=" + filepath.Join(out, "oci.tar"), "-o", "type=docker,dest=" + filepath.Join(out, "docker.tar"),
			"-o", "type=tar,dest=" + filepath.Join(out, "tar.tar"), "-o", "type=local,dest=" + filepath.Join(out, "local"),
			"-o", "type=registry", "-t", ref, ".",
		}})
		names, read := tarNames(x.t, filepath.Join(out, "oci.tar"))
		require.Contains(x.t, names, "oci-layout")
		require.Contains(x.t, read("index.json"), "test/outputs:1")
		_, read = tarNames(x.t, filepath.Join(out, "docker.tar"))
		require.Contains(x.t, read("manifest.json"), "test/outputs:1")
		names, read = tarNames(x.t, filepath.Join(out, "tar.tar"))
		require.Contains(x.t, names, "usr/local/bin/python3.13")
		require.Equal(x.t, "here", read("app/marker"))
		require.FileExists(x.t, filepath.Join(out, "local/usr/local/bin/python3.13"))
		require.FileExists(x.t, filepath.Join(out, "local/app/marker"))

		var pushed string
		require.NoError(x.t, json.Unmarshal(res.MetadataFile["containerimage.digest"], &pushed))
		body, header := fetch(x.t, "http://"+x.env.Registry.Host()+"/v2/test/outputs/manifests/1")
		require.Equal(x.t, pushed, header.Get("Docker-Content-Digest"))
		require.Equal(x.t, pushed, digest.FromBytes(body).String())
		require.JSONEq(x.t, `"`+ref+`"`, string(res.MetadataFile["image.name"]))
		require.Contains(x.t, string(res.MetadataFile["buildx.build.provenance"]), "pkg:docker/python@3.13-alpine3.20")
	})
}

// With --push and --tag, the registry has the image; --iidfile and --progress=quiet, which is --quiet, say which.
func TestIntegrationBuildxPush(t *testing.T) {
	newBuildx(t, sharedDaemon).eachKind("", "", func(x *buildx, text string) {
		iid := filepath.Join(x.t.TempDir(), "iid")
		ref := x.env.Registry.Ref("test/pushed")
		res := x.must(line{stdin: text, noLayout: true, args: []string{
			"--push", "-t", ref + ":one", "-t", ref + ":two", "--iidfile", iid, "--progress", "quiet", "-",
		}})
		id, err := os.ReadFile(iid)
		require.NoError(x.t, err)
		require.Equal(x.t, string(id), strings.TrimSpace(res.Stdout))
		for _, tag := range []string{"one", "two"} {
			body, _ := fetch(x.t, "http://"+x.env.Registry.Host()+"/v2/test/pushed/manifests/"+tag)
			require.Equal(x.t, string(id), digest.FromBytes(body).String())
		}
	})
}

func fetch(t *testing.T, url string) ([]byte, http.Header) {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return body, resp.Header
}

func TestIntegrationBuildxCallTargets(t *testing.T) {
	x := newBuildx(t, sharedDaemon)
	targets := func(text string) string {
		return x.must(line{args: []string{"--call", "targets", "-"}, stdin: text, noLayout: true}).Stdout
	}
	require.Regexp(t, `(?s)final \(default\).*buildroot`, targets(minimal))
	require.Regexp(t, `(?s)first.*last \(default\)`, targets(syntax+"FROM autumnjolitz/distroless-python:3.13-alpine3.20 AS first\nFROM scratch AS last\n"))
}
