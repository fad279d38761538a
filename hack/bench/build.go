package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/autumnjolitz/distroless-frontend/frontend"
	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// baseImage is what both sides build from.
const baseImage = "docker.io/library/python:3.13-alpine3.20"

// minimalSpec is a full spec: the plain distroless Python image.
const minimalSpec = `#syntax=autumnjolitz/distroless-frontend
python: "3.13"
alpine: "3.20"
`

// A bench is one run: a daemon with the servers around it, and what was measured so far.
type bench struct {
	env    *testenv.Env
	rounds int
	steps  bool   // show what each build did
	dir    string // for build contexts
	table  table
	images map[string]*testenv.Image
}

func newBench(ctx context.Context, rounds int, steps bool) (*bench, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	env, err := testenv.Start(ctx, testenv.Options{})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &bench{env: env, rounds: rounds, steps: steps, dir: dir, images: map[string]*testenv.Image{}}, nil
}

func (b *bench) close() error {
	return errors.Join(b.env.Close(), os.RemoveAll(b.dir))
}

// ours is a build by the frontend, which runs in this process. The mirrors come from
// outside of the spec, as for anyone who builds behind one.
func (b *bench) ours(dir, spec string) testenv.BuildRequest {
	return testenv.BuildRequest{
		Dir:              dir,
		DockerfileInline: spec,
		Frontend:         frontend.Build,
		BuildArgs: map[string]string{
			"APK_REPOSITORIES": b.env.Fixtures.APKRepository(),
			"PIP_FIND_LINKS":   b.env.Fixtures.Wheels(),
			"PIP_NO_INDEX":     "1",
		},
		NamedContexts: map[string]string{"apk-keys": filepath.Dir(b.env.Fixtures.APKKey())},
	}
}

// peer is a build by the daemon's own frontend, dockerfile.v0.
func (b *bench) peer(dir, dockerfile string) testenv.BuildRequest {
	return testenv.BuildRequest{
		Dir:              dir,
		DockerfileInline: dockerfile,
		BuildArgs: map[string]string{
			"PIP_FIND_LINKS": b.env.Fixtures.Wheels(),
			"PIP_NO_INDEX":   "1",
		},
	}
}

// reset leaves the daemon with the base image, pulled and unpacked, and with nothing else:
// no result, no cache mount, no copy of a build context.
func (b *bench) reset(ctx context.Context) error {
	if err := b.env.Daemon.Prune(ctx); err != nil {
		return fmt.Errorf("pruning: %w", err)
	}
	warm := b.peer("", "FROM "+baseImage+"\nRUN true\n")
	warm.NoExport = true
	_, err := b.build(ctx, warm)
	return err
}

// build builds. A failure has the log of the build in it.
func (b *bench) build(ctx context.Context, req testenv.BuildRequest) (*testenv.BuildResult, error) {
	res, err := b.env.Build(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, res.Log())
	}
	return res, nil
}

// timed builds and drops what was exported, of which there would be gigabytes.
func (b *bench) timed(ctx context.Context, req testenv.BuildRequest) (*testenv.BuildResult, error) {
	res, err := b.build(ctx, req)
	if err != nil || res.Layout == "" {
		return res, err
	}
	return res, os.RemoveAll(res.Layout)
}

// image builds an image for later use, once for each name.
func (b *bench) image(ctx context.Context, name string, req testenv.BuildRequest) (*testenv.Image, error) {
	if img, ok := b.images[name]; ok {
		return img, nil
	}
	res, err := b.build(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("building the image %s: %w", name, err)
	}
	b.images[name] = res.Image
	return res.Image, nil
}

func (b *bench) minimalImage(ctx context.Context) (*testenv.Image, error) {
	return b.image(ctx, "minimal", b.ours("", minimalSpec))
}

func (b *bench) base(ctx context.Context) (*testenv.Image, error) {
	return b.image(ctx, "base", b.peer("", "FROM "+baseImage+"\n"))
}

// alternate builds ours and the peer's once each, adds the times, and returns the results by
// side. Who goes first changes with the turn, so that neither side gains by it.
func (b *bench) alternate(ctx context.Context, turn int, c *contest, ours, peer testenv.BuildRequest) ([2]*testenv.BuildResult, error) {
	var results [2]*testenv.BuildResult
	requests := [2]testenv.BuildRequest{ours, peer}
	for i := range requests {
		side := (turn + i) % 2
		res, err := b.timed(ctx, requests[side])
		if err != nil {
			return results, fmt.Errorf("%s: %w", c.what, err)
		}
		results[side] = res
		c.times[side] = append(c.times[side], res.Took.Seconds())
		if b.steps {
			printSteps(c.what, sideNames[side], res)
		}
	}
	return results, nil
}

// printSteps shows where a build spent its time: when each step began, counted from the
// first one, and how long it took.
func printSteps(what, side string, res *testenv.BuildResult) {
	var zero time.Time
	for _, v := range res.Vertices {
		if zero.IsZero() || !v.Started.IsZero() && v.Started.Before(zero) {
			zero = v.Started
		}
	}
	fmt.Fprintf(os.Stderr, "%s, %s: %.3f s\n", what, side, res.Took.Seconds())
	for _, v := range res.Vertices {
		note := ""
		if v.Cached {
			note = "cached"
		}
		fmt.Fprintf(os.Stderr, "  %7.3f %+8.3f  %-6s  %s\n", v.Started.Sub(zero).Seconds(), v.Took().Seconds(), note, v.Name)
	}
}
