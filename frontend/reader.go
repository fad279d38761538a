package frontend

import (
	"context"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"
	"golang.org/x/sync/errgroup"
)

// A readFunc is what a graph reads the result of a step with, while the daemon works on what the
// image needs anyway.
type readFunc = func(tree llb.State, name string, meanwhile llb.State) ([]byte, error)

// reader returns one that has the daemon work once on each tree: the graph of an image is made
// again for its tests.
func (b *builder) reader(ctx context.Context, platform ocispecs.Platform) readFunc {
	type file struct {
		tree digest.Digest
		name string
	}
	known := map[file][]byte{}
	read := b.readOnce(ctx, platform)
	return func(tree llb.State, name string, meanwhile llb.State) ([]byte, error) {
		def, err := tree.Marshal(ctx, llb.WithCaps(b.bc.BuildOpts().LLBCaps), llb.Platform(platform))
		if err != nil {
			return nil, errors.Wrap(err, "marshal the graph")
		}
		head, err := def.Head()
		if err != nil {
			return nil, err
		}
		of := file{head, name}
		if data, ok := known[of]; ok {
			return data, nil
		}
		data, err := read(tree, name, meanwhile)
		if err == nil {
			known[of] = data
		}
		return data, err
	}
}

func (b *builder) readOnce(ctx context.Context, platform ocispecs.Platform) readFunc {
	return func(tree llb.State, name string, meanwhile llb.State) ([]byte, error) {
		both, ctx := errgroup.WithContext(ctx)
		both.Go(func() error {
			_, err := b.solveWith(ctx, meanwhile, platform, client.SolveRequest{Evaluate: true})
			return err
		})
		var data []byte
		both.Go(func() error {
			ref, err := b.solve(ctx, tree, platform)
			if err != nil {
				return err
			}
			// The step runs now: what went wrong there has words of its own.
			data, err = ref.ReadFile(ctx, client.ReadRequest{Filename: name})
			return err
		})
		return data, both.Wait()
	}
}
