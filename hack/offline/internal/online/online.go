// Package online makes a folder of the parts of a container registry and of an Alpine mirror
// that the tests build on, from the real ones. It has the form of the stand-in's folder, of
// which it takes what no Alpine has: the packages made for tests, and the wheels.
package online

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/apk"
	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/apkfile"
	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/standin"
)

// Options say what to make, where, and of what.
type Options struct {
	Out      string   // the folder to make; replaced at the end, all at once
	StandIn  string   // the stand-in's folder
	Key      string   // file of the key that signs the stand-in's packages
	Registry string   // host of the registry, as in "docker.io"
	Alpine   string   // URL of the mirror, as in "https://dl-cdn.alpinelinux.org/alpine"
	Branch   string   // of Alpine, as in "3.20"
	Python   string   // version, as in "3.13"
	Arches   []string // as Go calls them
}

// maxInstalled is more than the database of any base image has.
const maxInstalled = 16 << 20

// Make makes the folder.
func Make(ctx context.Context, o Options) error {
	if err := o.reachable(ctx); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(o.Out), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(o.Out), ".online-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := o.makeIn(ctx, work); err != nil {
		return err
	}
	if err := errors.Join(standin.LetAllRead(work), os.Chmod(work, 0o755)); err != nil {
		return err
	}
	if err := os.RemoveAll(o.Out); err != nil {
		return err
	}
	return os.Rename(work, o.Out)
}

func (o Options) makeIn(ctx context.Context, dir string) error {
	key := apkfile.Key{Private: o.Key}
	public, err := os.ReadFile(key.Public())
	if err != nil {
		return err
	}
	tag := o.Python + "-alpine" + o.Branch
	images, err := o.pull(ctx, tag, filepath.Join(dir, "python-"+tag))
	if err != nil {
		return fmt.Errorf("pull python:%s from %s: %w", tag, o.Registry, err)
	}
	for i, arch := range o.Arches {
		installed, err := installedIn(images[i])
		if err != nil {
			return fmt.Errorf("read the packages of python:%s: %w", tag, err)
		}
		m := mirror{options: o, arch: apk.Arch(arch), key: key}
		if err := m.copy(ctx, installed, dir); err != nil {
			return fmt.Errorf("copy packages of %s for %s: %w", o.Alpine, arch, err)
		}
	}
	return errors.Join(
		os.CopyFS(filepath.Join(dir, "wheels"), os.DirFS(filepath.Join(o.StandIn, "wheels"))),
		os.WriteFile(filepath.Join(dir, "alpine", filepath.Base(key.Public())), public, 0o644),
	)
}

// pull writes the layout of the base image, and returns its images in the order of Arches.
func (o Options) pull(ctx context.Context, tag, dir string) ([]v1.Image, error) {
	ref, err := name.ParseReference(o.Registry + "/library/python:" + tag)
	if err != nil {
		return nil, err
	}
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return nil, err
	}
	var index v1.ImageIndex = mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	var images []v1.Image
	for _, arch := range o.Arches {
		platform := v1.Platform{OS: "linux", Architecture: arch}
		image, err := remote.Image(ref, remote.WithContext(ctx), remote.WithPlatform(platform))
		if err != nil {
			return nil, err
		}
		images = append(images, image)
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &platform}})
	}
	if err := path.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": tag})); err != nil {
		return nil, err
	}
	return images, nil
}

// installedIn returns the names of the packages of an image, but for virtual ones, which no
// repository has.
func installedIn(image v1.Image) ([]string, error) {
	files := mutate.Extract(image)
	defer files.Close()
	archive := tar.NewReader(files)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the image has no /lib/apk/db/installed")
		}
		if err != nil {
			return nil, err
		}
		if strings.TrimPrefix(header.Name, "./") != "lib/apk/db/installed" {
			continue
		}
		var names []string
		lines := bufio.NewScanner(io.LimitReader(archive, maxInstalled))
		lines.Buffer(nil, maxInstalled) // dependencies are a line
		for lines.Scan() {
			if p, ok := strings.CutPrefix(lines.Text(), "P:"); ok && !strings.HasPrefix(p, ".") {
				names = append(names, p)
			}
		}
		slices.Sort(names)
		return names, lines.Err()
	}
}
