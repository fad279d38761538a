package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/containerd/platforms"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/moby/buildkit/util/system"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

// buildIndex compiles the package for every platform and makes an index of the
// images.
func buildIndex(ctx context.Context, opts options, desc *description, targets []ocispecs.Platform) (v1.ImageIndex, error) {
	created, err := epoch()
	if err != nil {
		return nil, err
	}
	binaries := opts.binaries
	if binaries == "" {
		if binaries, err = os.MkdirTemp("", "frontend-image"); err != nil {
			return nil, err
		}
		defer os.RemoveAll(binaries)
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, target := range targets {
		binary, err := compile(ctx, opts.pkg, binaries, target)
		if err != nil {
			return nil, err
		}
		image, err := buildImage(binary, desc, target, created)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{
				OS:           target.OS,
				Architecture: target.Architecture,
				Variant:      target.Variant,
			}},
		})
	}
	return index, nil
}

// compile returns the static binary for a platform, which it leaves in a folder of dir.
func compile(ctx context.Context, pkg, dir string, target ocispecs.Platform) ([]byte, error) {
	file := filepath.Join(dir, strings.ReplaceAll(platforms.Format(target), "/", "-"), "frontend")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", file, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+target.OS, "GOARCH="+target.Architecture)
	if target.Architecture == "arm" {
		cmd.Env = append(cmd.Env, "GOARM="+strings.TrimPrefix(target.Variant, "v"))
	}
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("compiling %s for %s/%s: %w", pkg, target.OS, target.Architecture, err)
	}
	return os.ReadFile(file)
}

func buildImage(binary []byte, desc *description, target ocispecs.Platform, created time.Time) (v1.Image, error) {
	layer, err := binaryLayer(binary, desc.binary, created)
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.Append(image, mutate.Addendum{
		Layer:   layer,
		History: v1.History{Created: v1.Time{Time: created}, CreatedBy: "COPY " + desc.binary},
	})
	if err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant = target.OS, target.Architecture, target.Variant
	config.Created = v1.Time{Time: created}
	config.Config = v1.Config{
		Entrypoint: desc.entrypoint,
		Labels:     desc.labels,
		// BuildKit's defaults for a scratch image.
		Env:        []string{"PATH=" + system.DefaultPathEnvUnix},
		WorkingDir: "/",
	}
	return mutate.ConfigFile(image, config)
}

// binaryLayer is a layer with one program in it.
func binaryLayer(binary []byte, name string, modified time.Time) (v1.Layer, error) {
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	err := tw.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg,
		Name:     strings.TrimPrefix(name, "/"),
		Mode:     0o755,
		Size:     int64(len(binary)),
		ModTime:  modified,
	})
	if err != nil {
		return nil, err
	}
	if _, err := tw.Write(binary); err != nil {
		return nil, err
	}
	if err := tw.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(buf.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.DefaultCompression))
}

// writeLayout replaces the folder by a layout that holds the index.
func writeLayout(dir, tag string, index v1.ImageIndex) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	next, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".")
	if err != nil {
		return err
	}
	defer os.RemoveAll(next)
	path, err := layout.Write(next, empty.Index)
	if err != nil {
		return err
	}
	names := map[string]string{ocispecs.AnnotationRefName: tag}
	if err := path.AppendIndex(index, layout.WithAnnotations(names)); err != nil {
		return err
	}
	if err := os.Chmod(next, 0o755); err != nil {
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(next, dir)
}
