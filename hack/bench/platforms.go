package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// maxPlatforms is what a cold build for two platforms may take of one for the machine's own.
const maxPlatforms = 1.3

// otherPlatform is that of the base image that is not this machine's.
func otherPlatform() string {
	if runtime.GOARCH == "arm64" {
		return "linux/amd64"
	}
	return "linux/arm64"
}

// platforms compares a cold build of the minimal image for two platforms with one for the
// machine's own.
func (b *bench) platforms(ctx context.Context) error {
	if b.env.StandIn() {
		return fmt.Errorf("needs a base image of two platforms, and the stand-in is of one")
	}
	one := b.ours("", minimalSpec)
	two := one
	two.Platforms = []string{"linux/" + runtime.GOARCH, otherPlatform()}
	builds := contest{what: "minimal: cold, two platforms | one"}
	for round := range b.rounds {
		if err := b.resetPlatforms(ctx); err != nil {
			return err
		}
		// The cache of the first build must not help the second, so each has a clean daemon.
		if err := b.coldInTurn(ctx, round, &builds, two, one); err != nil {
			return err
		}
	}
	b.table.contest(&builds, maxPlatforms, 0)
	return nil
}

// coldInTurn is alternate with a reset in between, for two builds of ours that share ops.
func (b *bench) coldInTurn(ctx context.Context, turn int, c *contest, requests ...testenv.BuildRequest) error {
	for i := range requests {
		side := (turn + i) % 2
		if i > 0 {
			if err := b.resetPlatforms(ctx); err != nil {
				return err
			}
		}
		res, err := b.timed(ctx, requests[side])
		if err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
		c.times[side] = append(c.times[side], res.Took.Seconds())
		if b.steps {
			printSteps(c.what, sideNames[side], res)
		}
	}
	return nil
}

// resetPlatforms is reset with the base image of the other platform there as well.
func (b *bench) resetPlatforms(ctx context.Context) error {
	if err := b.env.Daemon.Prune(ctx); err != nil {
		return fmt.Errorf("pruning: %w", err)
	}
	warm := b.peer("", "FROM --platform="+otherPlatform()+" "+baseImage+" AS other\nFROM "+baseImage+
		"\nRUN --mount=from=other,target=/other true\n")
	warm.NoExport = true
	_, err := b.build(ctx, warm)
	return err
}
