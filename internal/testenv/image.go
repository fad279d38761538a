package testenv

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/containerd/containerd/v2/pkg/archive"
	"github.com/containerd/continuity/fs"
	"github.com/containerd/platforms"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/types"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
)

// attestationType is the annotation of what is no image though listed as one.
const attestationType = "vnd.docker.reference.type"

// Image is an image a build exported.
type Image struct {
	// Digest is the manifest's digest.
	Digest digest.Digest
	Config dockerspec.DockerOCIImage
	// RawConfig is the configuration's JSON.
	RawConfig []byte
	Layers    []Layer

	image     v1.Image
	workspace *workspace
	scan      func() (*layerScan, error)
	unpackMu  sync.Mutex
	rootfs    string
}

// Layer is a layer of an image.
type Layer struct {
	Digest    digest.Digest
	DiffID    digest.Digest
	MediaType string
	// Size is the compressed size.
	Size int64
}

// openLayout returns the images of an OCI layout by platform.
func openLayout(dir string, ws *workspace) (map[string]*Image, error) {
	root, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, err
	}
	found := map[string]*Image{}
	return found, collectImages(root, ws, found)
}

func collectImages(index v1.ImageIndex, ws *workspace, found map[string]*Image) error {
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	for _, desc := range manifest.Manifests {
		if err := collectImage(index, desc, ws, found); err != nil {
			return fmt.Errorf("%s: %w", desc.Digest, err)
		}
	}
	return nil
}

func collectImage(index v1.ImageIndex, desc v1.Descriptor, ws *workspace, found map[string]*Image) error {
	if _, ok := desc.Annotations[attestationType]; ok {
		return nil
	}
	if desc.MediaType.IsIndex() {
		child, err := index.ImageIndex(desc.Digest)
		if err != nil {
			return err
		}
		return collectImages(child, ws, found)
	}
	image, err := index.Image(desc.Digest)
	if err != nil {
		return err
	}
	img, err := newImage(image, ws)
	if err != nil {
		return err
	}
	found[platforms.Format(platforms.Normalize(img.Config.Platform))] = img
	return nil
}

func newImage(image v1.Image, ws *workspace) (*Image, error) {
	img := &Image{image: image, workspace: ws}
	img.scan = sync.OnceValues(func() (*layerScan, error) { return scanLayers(image) })
	manifest, err := image.Digest()
	if err != nil {
		return nil, err
	}
	img.Digest = digest.Digest(manifest.String())
	if img.RawConfig, err = image.RawConfigFile(); err != nil {
		return nil, err
	}
	if err := json.NewDecoder(bytes.NewReader(img.RawConfig)).Decode(&img.Config); err != nil {
		return nil, fmt.Errorf("image config: %w", err)
	}
	layers, err := image.Layers()
	if err != nil {
		return nil, err
	}
	for i, layer := range layers {
		l, err := newLayer(layer)
		if err != nil {
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
		img.Layers = append(img.Layers, l)
	}
	return img, nil
}

func newLayer(layer v1.Layer) (Layer, error) {
	compressed, err := layer.Digest()
	if err != nil {
		return Layer{}, err
	}
	diffID, err := layer.DiffID()
	if err != nil {
		return Layer{}, err
	}
	var mediaType types.MediaType
	if mediaType, err = layer.MediaType(); err != nil {
		return Layer{}, err
	}
	size, err := layer.Size()
	return Layer{
		Digest:    digest.Digest(compressed.String()),
		DiffID:    digest.Digest(diffID.String()),
		MediaType: string(mediaType),
		Size:      size,
	}, err
}

// PulledSize is what a pull of all layers transfers.
func (i *Image) PulledSize() int64 {
	var size int64
	for _, l := range i.Layers {
		size += l.Size
	}
	return size
}

// DiskSize is the sum of the sizes of the regular files of all layers: what
// `docker images` shows.
func (i *Image) DiskSize() (int64, error) {
	scan, err := i.scan()
	if err != nil {
		return 0, err
	}
	return scan.fileBytes, nil
}

// UncompressedSizes returns the sizes of the layers' tar streams.
func (i *Image) UncompressedSizes() ([]int64, error) {
	scan, err := i.scan()
	if err != nil {
		return nil, err
	}
	return scan.tarBytes, nil
}

// Rootfs unpacks the image, once, and returns the folder. It is shared and read
// only by agreement; it stays until the daemon that built the image is closed.
func (i *Image) Rootfs(ctx context.Context) (string, error) {
	i.unpackMu.Lock()
	defer i.unpackMu.Unlock()
	if i.rootfs != "" {
		return i.rootfs, nil
	}
	dir, err := i.workspace.mkdirTemp("rootfs", "")
	if err != nil {
		return "", err
	}
	layers, err := i.image.Layers()
	if err != nil {
		return "", err
	}
	for n, layer := range layers {
		if err := unpack(ctx, dir, layer); err != nil {
			return "", fmt.Errorf("unpacking layer %d: %w", n, err)
		}
	}
	i.rootfs = dir
	return dir, nil
}

func unpack(ctx context.Context, dir string, layer v1.Layer) error {
	stream, err := layer.Uncompressed()
	if err != nil {
		return err
	}
	defer stream.Close()
	_, err = archive.Apply(ctx, dir, stream)
	return err
}

// ReadFile returns the content of a file of the image; links are followed inside
// the image.
func (i *Image) ReadFile(ctx context.Context, path string) ([]byte, error) {
	root, err := i.Rootfs(ctx)
	if err != nil {
		return nil, err
	}
	resolved, err := fs.RootPath(root, filepath.Clean(path))
	if err != nil {
		return nil, err
	}
	return os.ReadFile(resolved)
}
