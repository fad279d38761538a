package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// Frontends as images, pushed to where the daemon finds Docker Hub's: ours, and what a
// Dockerfile that begins with "# syntax=docker/dockerfile:1" is built by.
const (
	oursPackage = "./cmd/frontend"
	oursImage   = "bench/distroless-frontend:latest"
	peerPackage = "github.com/moby/buildkit/frontend/dockerfile/cmd/dockerfile-frontend"
	peerImage   = "bench/dockerfile:latest"

	// frontendBinary is the entrypoint of both.
	frontendBinary = "/frontend"
	maxMemory      = 64 << 20
)

// packaged builds through the frontend's image, as users do: the daemon runs it in a
// container. It measures the memory of that process, and builds in which nothing changed.
func (b *bench) packaged(ctx context.Context) error {
	if err := b.pushFrontend(ctx, oursPackage, oursImage); err != nil {
		return err
	}
	if err := b.pushFrontend(ctx, peerPackage, peerImage); err != nil {
		return err
	}
	f, err := b.newFlask()
	if err != nil {
		return err
	}
	ours, peer := through(oursImage, f.ours), through(peerImage, f.peer)
	if err := b.memory(ctx, ours); err != nil {
		return err
	}
	if _, err := b.timed(ctx, peer); err != nil {
		return err
	}
	likewise := contest{what: "flask: no-op, frontends in containers"}
	builtIn := contest{what: "flask: no-op, ours in a container | built-in"}
	for turn := range b.rounds * repeats {
		if _, err := b.alternate(ctx, turn, &likewise, ours, peer); err != nil {
			return err
		}
		if _, err := b.alternate(ctx, turn, &builtIn, ours, f.peer); err != nil {
			return err
		}
	}
	b.table.contest(&likewise, maxNoop, 0)
	b.table.contest(&builtIn, 0, 0)
	return nil
}

// through has the daemon run the frontend of an image.
func through(image string, req testenv.BuildRequest) testenv.BuildRequest {
	req.Frontend, req.FrontendName, req.FrontendSource = nil, "gateway.v0", "docker.io/"+image
	return req
}

// memory measures the peak of the frontend's process in a cold build and one without work.
func (b *bench) memory(ctx context.Context, req testenv.BuildRequest) error {
	if err := b.reset(ctx); err != nil {
		return err
	}
	watch := watchMemory(frontendBinary)
	_, err := b.timed(ctx, req)
	if err == nil {
		_, err = b.timed(ctx, req)
	}
	peak := watch.stop()
	if err != nil {
		return err
	}
	if peak == 0 {
		return fmt.Errorf("no process %s was seen below this one", frontendBinary)
	}
	b.table.add(comparison{what: "peak memory of the frontend", unit: mebibytes, ours: float64(peak), value: maxMemory})
	return nil
}

// pushFrontend makes an image of the main package.
func (b *bench) pushFrontend(ctx context.Context, pkg, image string) error {
	root, err := testenv.RepoRoot()
	if err != nil {
		return err
	}
	layout := filepath.Join(b.dir, image)
	cmd := exec.CommandContext(ctx, "go", "run", "./hack/frontend-image",
		"-package", pkg, "-platform", "linux/"+runtime.GOARCH, "-o", layout)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making the image of %s: %w\n%s", pkg, err, out)
	}
	return b.env.Registry.PushLayout(ctx, layout, image)
}
