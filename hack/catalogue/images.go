package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// An Image is a tag that a registry has. Field names in JSON are those that templates use.
type Image struct {
	// Registry is the host, "docker.io" or "ghcr.io" for example.
	Registry string `json:"registry"`
	// Path is the repository in the registry: "autumnjolitz/distroless-python".
	Path string `json:"path"`
	Tag  string `json:"tag"`
	// URL is REGISTRY/PATH:TAG, what `docker pull` takes.
	URL string `json:"url"`
	// Digest is of the manifest or, for several platforms, of the index.
	Digest string `json:"digest"`
	// Size is how many bytes are pulled: configuration and compressed layers, of linux/amd64
	// if the image is for several platforms and that is one of them, else of the first.
	Size int64 `json:"size"`
	// PackageURL is a page about the image for people; "" where a registry has none.
	PackageURL string `json:"package_url"`
}

// An imageList is the file.
type imageList struct {
	Images []Image `json:"images"`
}

func compareImages(a, b Image) int {
	return cmp.Or(cmp.Compare(a.Registry, b.Registry), cmp.Compare(a.Path, b.Path), -compareVersions(a.Tag, b.Tag))
}

// merge adds images to a list; a tag that it has already is replaced.
func merge(old, found []Image) []Image {
	byURL := map[string]Image{}
	for _, image := range slices.Concat(old, found) {
		byURL[image.URL] = image
	}
	images := make([]Image, 0, len(byURL))
	for _, image := range byURL {
		images = append(images, image)
	}
	slices.SortFunc(images, compareImages)
	return images
}

func readImages(path string) ([]Image, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list imageList
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list.Images, nil
}

func encodeImages(images []Image) ([]byte, error) {
	text, err := json.MarshalIndent(imageList{Images: images}, "", "  ")
	return append(text, '\n'), err
}

// decodeVariables reads what a template is rendered with: a JSON object, {"images": […]},
// whose keys are the template's variables, or the list of images alone. Numbers that are
// whole are integers, as in Python.
func decodeVariables(data []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("expected the end of the file after the first value")
	}
	if list, ok := value.([]any); ok {
		value = map[string]any{"images": list}
	}
	variables, ok := withNumbers(value).(map[string]any)
	if !ok {
		return nil, errors.New("expected an object or a list of images")
	}
	markSizes(variables["images"])
	return variables, nil
}

// withNumbers replaces numbers as they are written by what they are.
func withNumbers(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key := range value {
			value[key] = withNumbers(value[key])
		}
	case []any:
		for i := range value {
			value[i] = withNumbers(value[i])
		}
	case json.Number:
		if n, err := value.Int64(); err == nil {
			return int(n)
		}
		f, _ := value.Float64() // json checked the syntax; what is too large is infinite
		return f
	}
	return value
}

// markSizes puts an error in the place of sizes that are no numbers, which comes up when a
// template uses it: Jinja has one where a template calculates with such a size, the library
// here would take it for 0.
func markSizes(images any) {
	list, _ := images.([]any)
	for i, entry := range list {
		image, ok := entry.(map[string]any)
		if !ok {
			continue
		}
		switch image["size"].(type) {
		case int, float64:
		default:
			image["size"] = fmt.Errorf("images[%d] (%v): size is %v: expected a number of bytes", i, image["url"], image["size"])
		}
	}
}
