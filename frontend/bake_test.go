package frontend_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
	"github.com/autumnjolitz/distroless-frontend/spec"
)

// A bakeTarget is what `docker buildx bake --print` says of a target.
type bakeTarget struct {
	Context    string
	Dockerfile string
	Inline     string `json:"dockerfile-inline"`
	Target     string
	Args       map[string]string
	Tags       []string
	Platforms  []string
	CacheFrom  []map[string]string `json:"cache-from"`
	CacheTo    []map[string]string `json:"cache-to"`
}

// bakePlan returns what bake would build in a folder, with the environment NAME=VALUE.
func bakePlan(t *testing.T, dir string, env []string, targets ...string) map[string]bakeTarget {
	t.Helper()
	buildx, err := testenv.Binary("buildx")
	if err != nil {
		t.Skip(err.Error())
	}
	cmd := exec.Command(buildx, append([]string{"bake", "--print", "--progress", "quiet"}, targets...)...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.Env = append(os.Environ(), append([]string{"BUILDX_CONFIG=" + t.TempDir()}, env...)...)
	out, err := cmd.Output()
	require.NoError(t, err)
	var plan struct{ Target map[string]bakeTarget }
	require.NoError(t, json.Unmarshal(out, &plan))
	return plan.Target
}

func repoRoot(t *testing.T) string {
	t.Helper()
	root, err := testenv.RepoRoot()
	require.NoError(t, err)
	return root
}

// Every pair that is, two targets for each, under all of its names; and no pair that never was.
func TestBakeMatrix(t *testing.T) {
	plan := bakePlan(t, repoRoot(t), nil, "python")
	want := map[string]bool{}
	for _, python := range []string{"3.10", "3.11", "3.12", "3.13", "3.14"} {
		for _, alpine := range []string{"3.20", "3.21", "3.22", "3.23"} {
			if python == "3.14" && alpine == "3.20" {
				continue // 3.14-rc-alpine3.20 is all there was
			}
			for _, image := range []string{"final", "buildroot"} {
				name := strings.ReplaceAll("python-"+python+"-alpine"+alpine+"-"+image, ".", "-")
				want[name] = true
				t.Run(name, func(t *testing.T) { requireImage(t, plan[name], python, alpine, image) })
			}
		}
	}
	require.Len(t, want, 38)
	require.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(plan)))
}

func requireImage(t *testing.T, target bakeTarget, python, alpine, image string) {
	t.Helper()
	require.Equal(t, image, target.Target)
	require.Equal(t, []string{"linux/amd64", "linux/arm64"}, target.Platforms)
	require.True(t, strings.HasPrefix(target.Inline, "#syntax=docker.io/autumnjolitz/distroless-frontend\n"))
	s, err := spec.Parse("inline", []byte(target.Inline))
	require.NoError(t, err)
	require.Regexp(t, "^"+strings.ReplaceAll(python, ".", `\.`)+`\.\d+$`, s.Python, "the tag tells the patch")
	require.Equal(t, alpine, s.Alpine)
	suffix := ""
	if image == "buildroot" {
		suffix = "-buildroot"
	}
	var tags []string
	for _, registry := range []string{"docker.io", "ghcr.io"} {
		for _, version := range []string{python, s.Python} {
			tags = append(tags, fmt.Sprintf("%s/autumnjolitz/distroless-python:%s-alpine%s%s", registry, version, alpine, suffix))
		}
	}
	require.Equal(t, tags, target.Tags)
}

func TestBakeFrontend(t *testing.T) {
	frontend := bakePlan(t, repoRoot(t), nil)["frontend"]
	require.Equal(t, "Dockerfile.frontend", frontend.Dockerfile)
	require.Equal(t, []string{"docker.io/autumnjolitz/distroless-frontend:latest", "ghcr.io/autumnjolitz/distroless-frontend:latest"}, frontend.Tags)
	require.Equal(t, []string{"linux/amd64", "linux/arm64"}, frontend.Platforms)

	release := bakePlan(t, repoRoot(t), []string{"VERSION=1.2.3", "REVISION=abc", "REPOSITORIES=registry.example/me", "PLATFORMS=linux/arm64"})["frontend"]
	require.Equal(t, []string{"registry.example/me/distroless-frontend:latest", "registry.example/me/distroless-frontend:1.2.3"}, release.Tags)
	require.Equal(t, map[string]string{"VERSION": "1.2.3", "REVISION": "abc"}, release.Args)
	require.Equal(t, []string{"linux/arm64"}, release.Platforms)
}

// The versions that a registry has now are put in from outside, and so is the frontend.
func TestBakeVersionsFromOutside(t *testing.T) {
	plan := bakePlan(t, repoRoot(t), []string{`PYTHON_IMAGES_JSON={"3.13-alpine3.23": "3.13.99"}`, "FRONTEND=ghcr.io/me/f@sha256:0"}, "python")
	require.Len(t, plan, 2)
	final := plan["python-3-13-alpine3-23-final"]
	require.Equal(t, "#syntax=ghcr.io/me/f@sha256:0\npython: \"3.13.99\"\nalpine: \"3.23\"\n", final.Inline)
	require.Contains(t, final.Tags, "ghcr.io/autumnjolitz/distroless-python:3.13.99-alpine3.23")
}

// All examples are built, by the frontend that is to be tried.
func TestBakeExamples(t *testing.T) {
	plan := bakePlan(t, repoRoot(t), []string{"FRONTEND=registry.example/f"}, "examples")
	var want []string
	for _, dir := range examples(t) {
		name := "example-" + filepath.Base(dir)
		want = append(want, name)
		require.Equal(t, filepath.Join("examples", filepath.Base(dir)), plan[name].Context)
		require.Equal(t, "registry.example/f", plan[name].Args["BUILDKIT_SYNTAX"])
	}
	require.Equal(t, want, slices.Sorted(maps.Keys(plan)))
}

// The example for users writes to its cache when it is told to, and reads it when it has one.
func TestBakeOfTheExampleForUsers(t *testing.T) {
	dir := filepath.Join(repoRoot(t), "examples", "ci")
	plan := bakePlan(t, dir, nil, "default", "test")
	require.Equal(t, []string{"report", "test", "web"}, slices.Sorted(maps.Keys(plan)))
	require.Equal(t, []string{"docker.io/example/web:dev"}, plan["web"].Tags)
	require.Empty(t, plan["web"].CacheFrom)
	require.Empty(t, plan["web"].CacheTo)

	from := []map[string]string{{"type": "registry", "ref": "ghcr.io/me/cache:report"}}
	to := []map[string]string{{"type": "registry", "ref": "ghcr.io/me/cache:report", "mode": "max"}}
	branch := bakePlan(t, dir, []string{"REGISTRY=ghcr.io/me", "TAG=abc", "CACHE=ghcr.io/me/cache", "CACHE_WRITE=false"})["report"]
	require.Equal(t, []string{"ghcr.io/me/report:abc"}, branch.Tags)
	require.Equal(t, from, branch.CacheFrom)
	require.Empty(t, branch.CacheTo)
	main := bakePlan(t, dir, []string{"CACHE=ghcr.io/me/cache", "CACHE_WRITE=true"})["report"]
	require.Equal(t, from, main.CacheFrom)
	require.Equal(t, to, main.CacheTo)
}
