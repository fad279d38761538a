package testenv

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
)

// BuildRequest is what `docker buildx build` takes, by the same names.
type BuildRequest struct {
	// Dir is the build context; an empty folder when empty.
	Dir string
	// Dockerfile is the file to build, relative to Dir; "Dockerfile" when empty.
	Dockerfile string
	// DockerfileInline, when set, is the content of Dockerfile, wherever that is.
	DockerfileInline string
	Target           string
	// Platforms is the daemon's own platform when empty.
	Platforms []string
	BuildArgs map[string]string
	Labels    map[string]string
	// NamedContexts are `--build-context`s: a URL ("docker-image://…"), a folder,
	// or an OCI layout ("oci-layout://DIR" or "oci-layout://DIR:TAG").
	NamedContexts map[string]string
	Secrets       map[string][]byte
	NoCache       bool

	// Frontend runs in this process. When nil, the daemon runs FrontendName.
	Frontend gateway.BuildFunc
	// FrontendName is "dockerfile.v0" when empty, "gateway.v0" for an image.
	FrontendName string
	// FrontendSource is the image for "gateway.v0".
	FrontendSource string
	// FrontendAttrs are further options of the frontend.
	FrontendAttrs map[string]string

	// NoExport solves and exports nothing: for subrequests, or to fill the cache.
	NoExport bool
	// ExportAttrs are options of the OCI exporter, such as "rewrite-timestamp".
	ExportAttrs map[string]string
	// Push, when set, pushes the result to this reference as well: see Registry.Ref.
	Push         string
	CacheImports []client.CacheOptionsEntry
	CacheExports []client.CacheOptionsEntry
	// OnStatus, when set, is called with the progress as it is made.
	OnStatus func(*client.SolveStatus)
}

// BuildResult is what a build gave. When it failed, the image is missing and the
// rest tells how far it got.
type BuildResult struct {
	// Image is the image for the daemon's platform or, if there is only one, that.
	Image *Image
	// Images has the images by platform, as in "linux/arm64".
	Images map[string]*Image
	// Layout is the folder of the exported OCI layout.
	Layout string
	// Metadata is the exporter's answer, such as "containerimage.digest".
	Metadata map[string]string
	// FrontendMetadata is the metadata of the frontend's own result: a subrequest
	// answers there, in "result.txt" and "result.json".
	FrontendMetadata map[string][]byte
	// Vertices are the steps, in the order they were first heard of.
	Vertices []*Vertex
	Warnings []*client.VertexWarning
	Took     time.Duration
}

// Build builds and exports the result as an OCI layout, which stays until the
// daemon is closed. The result is never nil; what it has after an error is what
// went on before.
func (d *Daemon) Build(ctx context.Context, req BuildRequest) (*BuildResult, error) {
	res := &BuildResult{}
	dir, err := d.workspace.mkdirTemp("builds", "")
	if err != nil {
		return res, err
	}
	opt, err := solveOpt(dir, req)
	if err != nil {
		return res, fmt.Errorf("build request: %w", err)
	}
	c, err := d.Client(ctx)
	if err != nil {
		return res, err
	}
	defer c.Close()

	start := time.Now()
	err = solve(ctx, c, opt, req, res)
	res.Took = time.Since(start)
	if err != nil || req.NoExport {
		return res, err
	}
	res.Layout = filepath.Join(dir, exportDir)
	res.Images, err = openLayout(res.Layout, d.workspace)
	if err != nil {
		return res, fmt.Errorf("reading the exported image: %w", err)
	}
	res.Image = pickImage(res.Images)
	return res, nil
}

// solve runs the build and fills res with what it tells on its way.
func solve(ctx context.Context, c *client.Client, opt client.SolveOpt, req BuildRequest, res *BuildResult) error {
	build := req.Frontend
	if build == nil {
		build = daemonFrontend(req)
	}
	var mu sync.Mutex // a frontend may return after the solve was given up
	captured := func(ctx context.Context, gw gateway.Client) (*gateway.Result, error) {
		r, err := build(ctx, gw)
		if r != nil {
			mu.Lock()
			defer mu.Unlock()
			res.FrontendMetadata = maps.Clone(r.Metadata)
		}
		return r, err
	}
	status := make(chan *client.SolveStatus)
	progress := newProgress()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for s := range status {
			progress.add(s)
			if req.OnStatus != nil {
				req.OnStatus(s)
			}
		}
	}()
	response, err := c.Build(ctx, opt, "", captured, status)
	<-done // Build closes the channel
	res.Vertices, res.Warnings = progress.vertices, progress.warnings
	if err != nil {
		return err
	}
	res.Metadata = response.ExporterResponse
	return nil
}

// daemonFrontend lets the daemon run a frontend, the way buildx does.
func daemonFrontend(req BuildRequest) gateway.BuildFunc {
	name := req.FrontendName
	if name == "" {
		name = "dockerfile.v0"
	}
	return func(ctx context.Context, gw gateway.Client) (*gateway.Result, error) {
		return gw.Solve(ctx, gateway.SolveRequest{
			Frontend:    name,
			FrontendOpt: gw.BuildOpts().Opts,
		})
	}
}

// pickImage returns the image for this machine, or the only one.
func pickImage(images map[string]*Image) *Image {
	if img, ok := images[platforms.Format(platforms.Normalize(platforms.DefaultSpec()))]; ok {
		return img
	}
	if len(images) == 1 {
		for _, img := range images {
			return img
		}
	}
	return nil
}

// SourceExcerpt returns the lines of the build files that the error points at, as
// docker prints them below the error; "" when it points at none.
func SourceExcerpt(err error) string {
	var b strings.Builder
	for _, source := range errdefs.Sources(err) {
		if err := source.Print(&b); err != nil {
			return err.Error()
		}
	}
	return b.String()
}
