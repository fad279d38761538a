package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// A collector finds images. Registries are asked as whom docker is logged in.
type collector struct {
	metadata     []string // files
	repositories []string // names
	source       string   // URL of the project on GitHub
}

// collect returns the images of all files and repositories.
func (c *collector) collect(ctx context.Context) ([]Image, error) {
	var images []Image
	for _, file := range c.metadata {
		found, err := c.fromMetadata(ctx, file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		images = append(images, found...)
	}
	for _, repository := range c.repositories {
		found, err := c.fromRepository(ctx, repository)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", repository, err)
		}
		images = append(images, found...)
	}
	return merge(nil, images), nil
}

// fromMetadata returns the images of a file of bake's: an object that has, by target, the
// digest and the names of what was pushed. Targets that pushed nothing are passed over.
func (c *collector) fromMetadata(ctx context.Context, file string) ([]Image, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	targets := map[string]json.RawMessage{}
	if err := json.Unmarshal(data, &targets); err != nil {
		return nil, err
	}
	var images []Image
	for _, target := range slices.Sorted(maps.Keys(targets)) {
		if strings.HasPrefix(target, "buildx.") { // not a target
			continue
		}
		var result struct {
			Digest string `json:"containerimage.digest"`
			Names  string `json:"image.name"` // separated by commas
		}
		if err := json.Unmarshal(targets[target], &result); err != nil {
			return nil, fmt.Errorf("%s: %w", target, err)
		}
		if result.Digest == "" || result.Names == "" {
			continue
		}
		for text := range strings.SplitSeq(result.Names, ",") {
			image, err := c.image(ctx, text, result.Digest)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", target, err)
			}
			images = append(images, image)
		}
	}
	if len(images) == 0 {
		return nil, fmt.Errorf("no target has both containerimage.digest and image.name: expected a file of `docker buildx bake --push --metadata-file`")
	}
	return images, nil
}

// fromRepository returns the images of a repository, but for signatures and attestations,
// which have a digest for a tag.
func (c *collector) fromRepository(ctx context.Context, repository string) ([]Image, error) {
	repo, err := name.NewRepository(repository)
	if err != nil {
		return nil, err
	}
	tags, err := remote.List(repo, options(ctx)...)
	if err != nil {
		return nil, err
	}
	var images []Image
	for _, tag := range tags {
		if strings.HasPrefix(tag, "sha256-") {
			continue
		}
		head, err := remote.Head(repo.Tag(tag), options(ctx)...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", tag, err)
		}
		image, err := c.image(ctx, repository+":"+tag, head.Digest.String())
		if err != nil {
			return nil, err
		}
		images = append(images, image)
	}
	return images, nil
}

func options(ctx context.Context) []remote.Option {
	return []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
}

// image describes the image of a name and a digest.
func (c *collector) image(ctx context.Context, text, digest string) (Image, error) {
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return Image{}, fmt.Errorf("%q: %w", text, err)
	}
	tagged, ok := reference.TagNameOnly(named).(reference.Tagged)
	if !ok {
		return Image{}, fmt.Errorf("%q: expected a name with a tag", text)
	}
	image := Image{
		Registry: reference.Domain(named),
		Path:     reference.Path(named),
		Tag:      tagged.Tag(),
		Digest:   digest,
	}
	image.URL = image.Registry + "/" + image.Path + ":" + image.Tag
	image.PackageURL = c.packageURL(image)
	image.Size, err = pulledSize(ctx, reference.TrimNamed(named).String()+"@"+digest)
	if err != nil {
		return Image{}, fmt.Errorf("size of %s: %w", image.URL, err)
	}
	return image, nil
}

// packageURL is the page of Docker Hub or GitHub about an image.
func (c *collector) packageURL(image Image) string {
	switch image.Registry {
	case "docker.io":
		return "https://hub.docker.com/r/" + image.Path + "/tags?name=" + url.QueryEscape(image.Tag)
	case "ghcr.io":
		_, pkg, _ := strings.Cut(image.Path, "/")
		return c.source + "/pkgs/container/" + url.PathEscape(pkg) + "?tag=" + url.QueryEscape(image.Tag)
	}
	return ""
}

// pulledSize asks the registry for the size of an image: see Image.Size.
func pulledSize(ctx context.Context, text string) (int64, error) {
	ref, err := name.NewDigest(text)
	if err != nil {
		return 0, err
	}
	desc, err := remote.Get(ref, options(ctx)...)
	if err != nil {
		return 0, err
	}
	var image v1.Image
	if desc.MediaType.IsIndex() {
		image, err = firstImage(desc)
	} else {
		image, err = desc.Image()
	}
	if err != nil {
		return 0, err
	}
	manifest, err := image.Manifest()
	if err != nil {
		return 0, err
	}
	size := manifest.Config.Size
	for _, layer := range manifest.Layers {
		size += layer.Size
	}
	return size, nil
}

// firstImage is the image of an index for linux/amd64, else the first that is for a platform:
// attestations are for "unknown".
func firstImage(desc *remote.Descriptor) (v1.Image, error) {
	index, err := desc.ImageIndex()
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	var chosen *v1.Descriptor
	for i, entry := range manifest.Manifests {
		switch {
		case entry.Platform == nil || entry.Platform.OS == "unknown":
		case entry.Platform.OS == "linux" && entry.Platform.Architecture == "amd64":
			return index.Image(entry.Digest)
		case chosen == nil:
			chosen = &manifest.Manifests[i]
		}
	}
	if chosen == nil {
		return nil, fmt.Errorf("the index %s has no image for a platform", desc.Digest)
	}
	return index.Image(chosen.Digest)
}
