package frontend

import (
	"context"
	"io/fs"
	"strings"
	"sync"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/pkg/errors"

	"github.com/autumnjolitz/distroless-frontend/internal/requirements"
	graph "github.com/autumnjolitz/distroless-frontend/llb"
)

// requirementsOnce has what the requirements files of a spec say: several parts of a build ask.
type requirementsOnce struct {
	once   sync.Once
	found  requirements.Found
	stated statements
	err    error
}

// readRequirements follows the files that the spec names for pip through the build context, and
// returns the paths that they name.
func (b *builder) readRequirements(ctx context.Context) ([]string, error) {
	r := b.requirements
	r.once.Do(func() {
		files := contextFiles{builder: b, next: requirements.Names(b.spec.Pip)}
		read := func(path string) ([]byte, error) { return files.read(ctx, path) }
		if r.found, r.err = requirements.Read(b.spec.Pip, read, b.locate); r.err == nil {
			r.stated, r.err = b.readStatements(read)
		}
	})
	return r.found.Paths, r.err
}

// hasSources looks for source distributions in a tree that pip downloaded.
func (b *builder) hasSources(ctx context.Context, downloads llb.State) (bool, error) {
	ref, err := b.solve(ctx, downloads, b.bc.BuildPlatforms[0])
	if err != nil {
		return false, err
	}
	entries, err := ref.ReadDir(ctx, client.ReadDirRequest{Path: "/", IncludePattern: graph.SourcesDir})
	return len(entries) > 0, errors.Wrap(err, "look at what pip downloaded")
}

// contextFiles reads files of the main context. Of the first ones it knows beforehand, so
// that they are asked for at once.
type contextFiles struct {
	*builder
	next   []string
	loaded map[string]client.Reference
}

func (c *contextFiles) read(ctx context.Context, path string) ([]byte, error) {
	ref := c.loaded[path]
	if ref == nil {
		if err := c.load(ctx, path); err != nil {
			return nil, errors.Wrapf(err, "read %s", path)
		}
		ref = c.loaded[path]
	}
	data, err := ref.ReadFile(ctx, client.ReadRequest{Filename: path})
	// The daemon sends words, not kinds of errors.
	if err != nil && strings.Contains(err.Error(), "no such file or directory") {
		return nil, fs.ErrNotExist
	}
	return data, errors.Wrapf(err, "read %s", path)
}

// load has the client send a file and those that are to be read anyway.
func (c *contextFiles) load(ctx context.Context, path string) error {
	paths := append([]string{path}, c.next...)
	c.next = nil
	st, err := c.bc.MainContext(ctx, llb.FollowPaths(paths), llb.WithCustomName("[internal] read the requirements"))
	if err != nil {
		return err
	}
	ref, err := c.solve(ctx, *st, c.bc.BuildPlatforms[0])
	if err != nil {
		return err
	}
	if c.loaded == nil {
		c.loaded = map[string]client.Reference{}
	}
	for _, path := range paths {
		c.loaded[path] = ref
	}
	return nil
}
