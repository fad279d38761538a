// Command python-versions asks a registry which version of Python each base image has now.
// It reads what bake would build, and prints what bake is to build it from:
//
//	docker buildx bake --print python | go run ./hack/python-versions
//
// The answer is JSON, {"3.13-alpine3.20": "3.13.3", …}, for the environment variable
// PYTHON_IMAGES_JSON of docker-bake.hcl.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

func main() {
	repository := flag.String("repository", "docker.io/library/python", "`name` of the base images, without tag")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdin, os.Stdout, *repository); err != nil {
		fmt.Fprintln(os.Stderr, "python-versions:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, in io.Reader, out io.Writer, repository string) error {
	pairs, err := pairsOf(in)
	if err != nil {
		return fmt.Errorf("reading what bake would build: %w", err)
	}
	repo, err := name.NewRepository(repository)
	if err != nil {
		return err
	}
	versions := map[string]string{}
	for _, pair := range pairs {
		if versions[pair], err = pythonVersion(ctx, repo.Tag(pair)); err != nil {
			return err
		}
	}
	return json.NewEncoder(out).Encode(versions)
}

// pairsOf returns the base images of the specs of a plan that bake printed, as X.Y-alpineA.B.
func pairsOf(plan io.Reader) ([]string, error) {
	var printed struct {
		Target map[string]struct {
			Inline string `json:"dockerfile-inline"`
		} `json:"target"`
	}
	if err := json.NewDecoder(plan).Decode(&printed); err != nil {
		return nil, err
	}
	pairs := map[string]bool{}
	for _, target := range slices.Sorted(maps.Keys(printed.Target)) {
		inline := printed.Target[target].Inline
		if inline == "" {
			continue
		}
		s, err := spec.Parse(target, []byte(inline))
		if err != nil {
			return nil, err
		}
		pairs[minor(s.Python)+"-alpine"+s.Alpine] = true
	}
	if len(pairs) == 0 {
		return nil, errors.New("no target has a spec inline: expected the output of `docker buildx bake --print python`")
	}
	return slices.Sorted(maps.Keys(pairs)), nil
}

// minor shortens X.Y.Z to X.Y.
func minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// pythonVersion reads the version out of the configuration of a base image.
func pythonVersion(ctx context.Context, tag name.Tag) (string, error) {
	platform := v1.Platform{OS: "linux", Architecture: "amd64"}
	img, err := remote.Image(tag, remote.WithContext(ctx), remote.WithPlatform(platform))
	if err != nil {
		return "", fmt.Errorf("%s: %w", tag, err)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return "", fmt.Errorf("%s: %w", tag, err)
	}
	wanted, _, _ := strings.Cut(tag.TagStr(), "-")
	for _, entry := range config.Config.Env {
		version, ok := strings.CutPrefix(entry, "PYTHON_VERSION=")
		if ok && strings.HasPrefix(version, wanted+".") {
			return version, nil
		}
	}
	return "", fmt.Errorf("%s: its environment has no PYTHON_VERSION=%s.Z: %q", tag, wanted, config.Config.Env)
}
