package frontend_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

const (
	typeSPDX       = "https://spdx.dev/Document"
	typeProvenance = "https://slsa.dev/provenance/v1"
)

// attestations returns the predicates of a type that the index of a layout has.
func attestations[T any](t *testing.T, dir, predicateType string) []T {
	t.Helper()
	root, err := layout.ImageIndexFromPath(dir)
	require.NoError(t, err)
	top, err := root.IndexManifest()
	require.NoError(t, err)
	require.Len(t, top.Manifests, 1)
	if !top.Manifests[0].MediaType.IsIndex() {
		return nil // an image alone
	}
	index, err := root.ImageIndex(top.Manifests[0].Digest)
	require.NoError(t, err)
	manifest, err := index.IndexManifest()
	require.NoError(t, err)
	var predicates []T
	for _, desc := range manifest.Manifests {
		if desc.Annotations["vnd.docker.reference.type"] != "attestation-manifest" {
			continue
		}
		image, err := index.Image(desc.Digest)
		require.NoError(t, err)
		layers, err := image.Manifest()
		require.NoError(t, err)
		for _, l := range layers.Layers {
			if l.Annotations["in-toto.io/predicate-type"] != predicateType {
				continue
			}
			data, err := os.ReadFile(filepath.Join(dir, "blobs", l.Digest.Algorithm, l.Digest.Hex))
			require.NoError(t, err)
			var statement struct{ Predicate T }
			require.NoError(t, json.Unmarshal(data, &statement))
			predicates = append(predicates, statement.Predicate)
		}
	}
	return predicates
}

// pushGenerator builds the SBOM generator of the tests and pushes it.
func pushGenerator(t *testing.T, env *testenv.Env) (ref string) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-o", filepath.Join(dir, "generator"), "./testdata/sbom-generator")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	const dockerfile = "FROM scratch\nCOPY generator /\nENTRYPOINT [\"/generator\"]\n"
	res, err := env.Build(t.Context(), testenv.BuildRequest{
		Dir: dir, DockerfileInline: dockerfile, Push: env.Registry.Ref("test/sbom-generator:latest"),
	})
	require.NoError(t, err, res.Log())
	return "docker.io/test/sbom-generator:latest"
}

type spdx struct {
	Name     string
	Comment  string
	Packages []struct{ Name, VersionInfo, SourceInfo string }
}

// packages returns the names of what a scan found.
func (s spdx) packages() []string {
	var names []string
	for _, p := range s.Packages {
		names = append(names, p.SourceInfo+" "+p.Name)
	}
	return names
}

func scansOf(t *testing.T, res *testenv.BuildxResult) map[string]spdx {
	t.Helper()
	scans := map[string]spdx{}
	for _, s := range attestations[spdx](t, res.Layout, typeSPDX) {
		scans[s.Name] = s
	}
	return scans
}

func TestIntegrationBuildxSBOM(t *testing.T) {
	x := newBuildx(t, sharedDaemon)
	generator := pushGenerator(t, x.env)
	const spec = minimal + `
packages: [hello-apk]
apk: {build: [hello-service]}
pip: {requirements: [requirements.txt]}
`
	const dockerfile = syntax + `ARG BUILDKIT_SBOM_SCAN_CONTEXT
ARG BUILDKIT_SBOM_SCAN_STAGE
FROM autumnjolitz/distroless-python:3.13-alpine3.20-buildroot AS builder
ARG PIP_FIND_LINKS PIP_NO_INDEX
COPY requirements.txt .
RUN apk add hello-service && chroot-apk add hello-apk && chroot-pip install -r requirements.txt
FROM scratch
COPY --from=builder /d /
`
	for name, text := range map[string]string{"spec": spec, "Dockerfile": dockerfile} {
		t.Run(name, func(t *testing.T) {
			dir := contextDir(t, map[string]string{"Dockerfile": text, "requirements.txt": "six\n", "unused.txt": ""})
			scan := func(args ...string) map[string]spdx {
				args = append(args, "--sbom=generator="+generator+",NOTE=hello", dir)
				return scansOf(t, x.on(t).must(line{args: args}))
			}
			scans := scan()
			require.Len(t, scans, 1)
			require.Equal(t, "hello", scans["sbom"].Comment)
			found := scans["sbom"].packages()
			require.Subset(t, found, []string{"apk zlib", "apk dash", "apk hello-apk", "python six"})
			require.NotContains(t, found, "apk busybox")
			require.NotContains(t, found, "apk hello-service")

			scans = scan("--build-arg", "BUILDKIT_SBOM_SCAN_CONTEXT=true", "--build-arg", "BUILDKIT_SBOM_SCAN_STAGE=builder")
			require.Len(t, scans, 3)
			require.Equal(t, []string{"file requirements.txt"}, scans["sbom-context"].packages())
			require.Subset(t, scans["sbom-builder"].packages(), []string{"apk busybox", "apk hello-service"})
		})
	}
	t.Run("every stage", func(t *testing.T) {
		args := []string{"--build-arg", "BUILDKIT_SBOM_SCAN_STAGE=true", "--sbom=generator=" + generator, "-"}
		scans := scansOf(t, x.on(t).must(line{args: args, stdin: minimal}))
		require.Len(t, scans, 2)
		require.Contains(t, scans["sbom-base"].packages(), "apk busybox")
	})
	t.Run("of every platform", func(t *testing.T) {
		args := []string{"--build-arg", "BUILDKIT_MULTI_PLATFORM=1", "--target", "buildroot", "--attest", "type=sbom,generator=" + generator, "-"}
		scans := scansOf(t, x.on(t).must(line{args: args, stdin: minimal}))
		require.Contains(t, scans["sbom"].packages(), "apk busybox")
	})
	t.Run("no such generator", func(t *testing.T) {
		out := x.on(t).fails(line{args: []string{"--sbom=generator=test/absent", "-"}, stdin: minimal})
		require.Contains(t, out, "find the SBOM generator docker.io/test/absent:latest: ")
	})
}

// provenance is what the tests look at of the predicate.
// https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md
type provenance struct {
	BuildDefinition struct {
		ResolvedDependencies []struct {
			URI    string
			Digest map[string]string
		}
		ExternalParameters struct {
			ConfigSource struct{ Path, URI string }
		}
		InternalParameters struct {
			BuildConfig struct {
				LLBDefinition []struct{ Op struct{ Op vertex } }
			}
		}
	}
	RunDetails struct {
		Metadata struct {
			Metadata struct {
				Source struct {
					Infos []struct {
						Filename string
						Data     []byte
					}
				}
			} `json:"buildkit_metadata"`
		}
	}
}

// A vertex is an op of the graph.
type vertex struct {
	Exec *struct {
		Meta    struct{ Args []string }
		Network pb.NetMode
	}
}

func provenanceOf(t *testing.T, res *testenv.BuildxResult) provenance {
	t.Helper()
	all := attestations[provenance](t, res.Layout, typeProvenance)
	require.Len(t, all, 1)
	return all[0]
}

// The provenance names what the image was made from, to the commit, and no secret.
func TestIntegrationBuildxProvenance(t *testing.T) {
	x := newBuildx(t, sharedDaemon)
	const base = "pkg:docker/python@3.13-alpine3.20?platform=linux%2Famd64"
	x.eachKind("packages: [hello-apk]\npip: {packages: [six]}\n", "RUN true\n", func(x *buildx, text string) {
		repository, commit := gitServer(x.t, map[string]string{"app.yaml": text})
		l := line{
			args: []string{"--provenance=mode=max", "--secret", "id=netrc,env=NETRC", "-f", "app.yaml", repository + "#main"},
			env:  []string{"NETRC=machine 127.0.0.1 login bot password " + canary},
		}
		res := x.must(l)
		p := provenanceOf(x.t, res)
		require.Equal(x.t, "app.yaml", p.BuildDefinition.ExternalParameters.ConfigSource.Path)
		require.Equal(x.t, repository+"#main", p.BuildDefinition.ExternalParameters.ConfigSource.URI)
		digests := map[string]string{}
		for _, d := range p.BuildDefinition.ResolvedDependencies {
			digests[d.URI] = d.Digest["sha1"] + d.Digest["sha256"]
		}
		require.Equal(x.t, commit, digests[repository+"#main"])
		_, digest, _ := strings.Cut(res.Image.Config.Config.Labels["org.opencontainers.image.base.digest"], ":")
		require.Equal(x.t, digest, digests[base])
		infos := p.RunDetails.Metadata.Metadata.Source.Infos
		require.NotEmpty(x.t, infos)
		require.Equal(x.t, "app.yaml", infos[0].Filename)
		require.Equal(x.t, text, string(infos[0].Data))
		requireNowhere(x.t, res.Layout, canary)
	})
}

// requireNowhere checks that no file below a folder has a text.
func requireNowhere(t *testing.T, dir, text string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		require.False(t, strings.Contains(string(data), text), path)
		return err
	}))
}

// Steps that fetch have the network that the client says, and no others of ours have one.
func TestIntegrationBuildxNetwork(t *testing.T) {
	env := shared.Env(t)
	daemon, err := testenv.StartDaemon(t.Context(), testenv.DaemonOptions{Registry: env.Registry, Entitlements: []string{"network.host"}})
	require.NoError(t, err)
	defer func() { require.NoError(t, daemon.Close()) }()
	granting := newBuildx(t, func(*testenv.Env) *testenv.Daemon { return daemon })
	refusing := newBuildx(t, sharedDaemon)

	cache := t.TempDir()
	const run = "chroot-apk add hello-apk"
	dockerfile := strings.Replace(onFinal, "3.20\n", "3.20-buildroot\n", 1) + "RUN " + run + "\n"
	for name, text := range map[string]string{"spec": minimal + "packages: [hello-apk]\n", "Dockerfile": dockerfile} {
		t.Run(name, func(t *testing.T) {
			stdin := func(args ...string) line { return line{args: append(args, "-"), stdin: text} }
			refusing.on(t).must(stdin("--cache-to", "type=local,mode=max,dest="+cache))
			require.Contains(t, refusing.on(t).fails(stdin("--network", "host")), "network.host is not allowed")
			out := refusing.on(t).fails(stdin("--network", "none", "--build-arg", "APK_REPOSITORIES="+env.Fixtures.APKRepository()+"/./."))
			require.Contains(t, out, "could not connect to server")

			res := granting.on(t).must(stdin("--network", "host", "--provenance=mode=max", "--cache-from", "type=local,src="+cache))
			networks := map[pb.NetMode]int{}
			for _, step := range provenanceOf(t, res).BuildDefinition.InternalParameters.BuildConfig.LLBDefinition {
				if step.Op.Op.Exec == nil {
					continue
				}
				command := strings.Join(step.Op.Op.Exec.Meta.Args, " ")
				want := pb.NetMode_NONE
				if strings.Contains(command, "/root.sh ") || strings.Contains(command, "/packages.sh ") || strings.HasSuffix(command, run) {
					want = pb.NetMode_HOST
				}
				require.Equal(t, want, step.Op.Op.Exec.Network, command)
				networks[want]++
			}
			require.Len(t, networks, 2)
		})
	}
}
