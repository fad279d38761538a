package frontend

import (
	"context"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// reader returns what a graph reads the result of a step with, while the daemon works on what
// the image needs anyway.
func (b *builder) reader(ctx context.Context, platform ocispecs.Platform) func(tree llb.State, name string, meanwhile llb.State) ([]byte, error) {
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
