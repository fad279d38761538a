package testenv

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	contentlocal "github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/tonistiigi/fsutil"
)

const (
	exportDir        = "oci"
	ociLayoutScheme  = "oci-layout://"
	latestTag        = "latest"
	contextLocal     = "context"
	dockerfileLocal  = "dockerfile"
	defaultBuildFile = "Dockerfile"
)

// solveOpt translates the request; dir is a folder of the build's own.
func solveOpt(dir string, req BuildRequest) (client.SolveOpt, error) {
	opt := client.SolveOpt{
		FrontendAttrs: frontendAttrs(req),
		LocalMounts:   map[string]fsutil.FS{},
		OCIStores:     map[string]content.Store{},
		CacheImports:  req.CacheImports,
		CacheExports:  req.CacheExports,
		Exports:       exports(dir, req),
	}
	if req.Secrets != nil {
		opt.Session = []session.Attachable{secretsprovider.FromMap(req.Secrets)}
	}
	if err := addMainContext(&opt, dir, req); err != nil {
		return opt, err
	}
	for name, value := range req.NamedContexts {
		if err := addNamedContext(&opt, name, value); err != nil {
			return opt, fmt.Errorf("context %s: %w", name, err)
		}
	}
	return opt, nil
}

func frontendAttrs(req BuildRequest) map[string]string {
	attrs := map[string]string{}
	for k, v := range req.BuildArgs {
		attrs["build-arg:"+k] = v
	}
	for k, v := range req.Labels {
		attrs["label:"+k] = v
	}
	if req.Target != "" {
		attrs["target"] = req.Target
	}
	if len(req.Platforms) > 0 {
		attrs["platform"] = strings.Join(req.Platforms, ",")
	}
	if req.NoCache {
		attrs["no-cache"] = ""
	}
	if req.FrontendSource != "" {
		attrs["source"] = req.FrontendSource
	}
	maps.Copy(attrs, req.FrontendAttrs)
	return attrs
}

func exports(dir string, req BuildRequest) []client.ExportEntry {
	if req.NoExport {
		return nil
	}
	attrs := map[string]string{"tar": "false"}
	maps.Copy(attrs, req.ExportAttrs)
	entries := []client.ExportEntry{{
		Type:      client.ExporterOCI,
		Attrs:     attrs,
		OutputDir: filepath.Join(dir, exportDir),
	}}
	if req.Push != "" {
		attrs := map[string]string{"name": req.Push, "push": "true"}
		maps.Copy(attrs, req.ExportAttrs)
		entries = append(entries, client.ExportEntry{Type: client.ExporterImage, Attrs: attrs})
	}
	return entries
}

// addMainContext adds the build context and the folder of the Dockerfile.
func addMainContext(opt *client.SolveOpt, dir string, req BuildRequest) error {
	contextDir := req.Dir
	if contextDir == "" {
		contextDir = filepath.Join(dir, "empty")
		if err := os.Mkdir(contextDir, 0o755); err != nil {
			return err
		}
	}
	file := cmp.Or(req.Dockerfile, defaultBuildFile)
	switch {
	case req.DockerfileInline != "":
		inline := filepath.Join(dir, "inline")
		if err := os.Mkdir(inline, 0o755); err != nil {
			return err
		}
		file = filepath.Join(inline, filepath.Base(file))
		if err := os.WriteFile(file, []byte(req.DockerfileInline), 0o644); err != nil {
			return err
		}
	case !filepath.IsAbs(file):
		file = filepath.Join(contextDir, file)
	}
	opt.FrontendAttrs["filename"] = filepath.Base(file)
	if err := addLocal(opt, contextLocal, contextDir); err != nil {
		return err
	}
	return addLocal(opt, dockerfileLocal, filepath.Dir(file))
}

func addLocal(opt *client.SolveOpt, name, dir string) error {
	fs, err := fsutil.NewFS(dir)
	if err != nil {
		return err
	}
	opt.LocalMounts[name] = fs
	return nil
}

// addNamedContext does what buildx does for `--build-context name=value`.
func addNamedContext(opt *client.SolveOpt, name, value string) error {
	attr := "context:" + name
	if layout, ok := strings.CutPrefix(value, ociLayoutScheme); ok {
		return addLayoutContext(opt, attr, layout)
	}
	if u, err := url.Parse(value); err == nil && u.Scheme != "" {
		opt.FrontendAttrs[attr] = value
		return nil
	}
	if info, err := os.Stat(value); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", value)
	}
	local := name
	if local == contextLocal || local == dockerfileLocal {
		local = "_" + local + "_" // these names are taken
	}
	opt.FrontendAttrs[attr] = "local:" + local
	return addLocal(opt, local, value)
}

// addLayoutContext adds an OCI layout, given as DIR or DIR:TAG.
func addLayoutContext(opt *client.SolveOpt, attr, layout string) error {
	dir, tag := layout, ""
	if _, err := os.Stat(dir); err != nil {
		if i := strings.LastIndex(layout, ":"); i > 0 {
			dir, tag = layout[:i], layout[i+1:]
		}
	}
	desc, err := layoutDescriptor(dir, tag)
	if err != nil {
		return fmt.Errorf("layout %s: %w", layout, err)
	}
	store, err := contentlocal.NewStore(dir)
	if err != nil {
		return err
	}
	// The store's name is part of the vertex's digest: the same for the same context.
	id := "layout" + digest.FromString(attr).Encoded()[:12]
	opt.OCIStores[id] = store
	opt.FrontendAttrs[attr] = fmt.Sprintf("%s%s:%s@%s", ociLayoutScheme, id, cmp.Or(tag, latestTag), desc.Digest)
	return nil
}

// layoutDescriptor finds the image with the tag, or the only one, in a layout. It reads only:
// BuildKit's own reader makes a lock file, in a folder that may not be ours.
func layoutDescriptor(dir, tag string) (*ocispecs.Descriptor, error) {
	data, err := os.ReadFile(filepath.Join(dir, ocispecs.ImageIndexFile))
	if err != nil {
		return nil, err
	}
	var index ocispecs.Index
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, err
	}
	for _, desc := range index.Manifests {
		if tag == "" && len(index.Manifests) == 1 || tag != "" && desc.Annotations[ocispecs.AnnotationRefName] == tag {
			return &desc, nil
		}
	}
	return nil, fmt.Errorf("no image %q among its %d", tag, len(index.Manifests))
}
