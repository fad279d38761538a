package main

import (
	"context"
	_ "embed"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// httpieDockerfile names our images: the frontend makes them, the peer has them published.
//
//go:embed peer/httpie.Dockerfile
var httpieDockerfile string

// publishedImage is the name of our base; its companion's ends in -buildroot.
const publishedImage = "autumnjolitz/distroless-python:3.13-alpine3.20"

// maxAdded is what making the bases may add to a build in which nothing has changed.
const maxAdded = 0.15

// dockerfile compares builds of one Dockerfile in which nothing has changed: with bases made on
// the fly, and with published ones.
func (b *bench) dockerfile(ctx context.Context) error {
	for target, image := range map[string]string{"final": publishedImage, "buildroot": publishedImage + "-buildroot"} {
		if err := b.publish(ctx, target, image); err != nil {
			return err
		}
	}
	if err := b.pushFrontend(ctx, oursPackage, oursImage); err != nil {
		return err
	}
	if err := b.pushFrontend(ctx, peerPackage, peerImage); err != nil {
		return err
	}
	builtIn := b.peer("", httpieDockerfile)
	ours, peer := through(oursImage, b.ours("", httpieDockerfile)), through(peerImage, builtIn)
	for _, first := range []testenv.BuildRequest{ours, peer} {
		if _, err := b.timed(ctx, first); err != nil {
			return err
		}
	}
	likewise := contest{what: "Dockerfile: no-op | published bases"}
	against := contest{what: "Dockerfile: no-op | published bases, built-in frontend"}
	for turn := range b.rounds * repeats {
		if _, err := b.alternate(ctx, turn, &likewise, ours, peer); err != nil {
			return err
		}
		if _, err := b.alternate(ctx, turn, &against, ours, builtIn); err != nil {
			return err
		}
	}
	b.table.contest(&likewise, 0, 0)
	b.table.contest(&against, 0, 0)
	made, pulled := likewise.medians()
	b.table.add(comparison{what: "Dockerfile: making the bases adds", unit: seconds, ours: made - pulled, value: maxAdded})
	return nil
}

// publish pushes an image of ours to where the daemon finds Docker Hub's.
func (b *bench) publish(ctx context.Context, target, image string) error {
	req := b.ours("", minimalSpec)
	req.Target = target
	req.Push = b.env.Registry.Ref(image)
	_, err := b.timed(ctx, req)
	return err
}
