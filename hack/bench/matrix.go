package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// maxMatrix is what four cold builds on one base, at once, may take of one by itself.
const maxMatrix = 1.5

// matrixSpecs are those of a team: on one base, with packages, requirements and settings of
// their own.
var matrixSpecs = [4]string{
	minimalSpec + "env: {ROLE: plain}\n",
	minimalSpec + "packages: [hello-apk]\n",
	minimalSpec + "pip: {packages: [six]}\nentrypoint: [python, -m, six]\n",
	minimalSpec + "files: [{from: app.py, to: /app/}]\nuser: nonroot\nworkdir: /app\n",
}

// matrix compares cold builds of four specs, started together as bake does, with one of them
// alone: the mean of the four, since pip takes longer than all the rest of the others.
func (b *bench) matrix(ctx context.Context) error {
	dir, err := os.MkdirTemp(b.dir, "matrix")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte("print('hello')\n"), 0o644); err != nil {
		return err
	}
	var four []testenv.BuildRequest
	for _, spec := range matrixSpecs {
		four = append(four, b.ours(dir, spec))
	}
	builds := contest{what: "matrix: four specs, cold | one of them"}
	for range b.rounds {
		all, err := b.together(ctx, four)
		if err != nil {
			return fmt.Errorf("%s: %w", builds.what, err)
		}
		alone := 0.0
		for i := range four {
			took, err := b.together(ctx, four[i:i+1])
			if err != nil {
				return fmt.Errorf("%s: %w", builds.what, err)
			}
			alone += took / float64(len(four))
		}
		builds.times[0], builds.times[1] = append(builds.times[0], all), append(builds.times[1], alone)
	}
	b.table.contest(&builds, maxMatrix, 0)
	return nil
}

// together starts cold builds at once and returns how many seconds it took until the last was done.
func (b *bench) together(ctx context.Context, requests []testenv.BuildRequest) (float64, error) {
	if err := b.reset(ctx); err != nil {
		return 0, err
	}
	errs := make([]error, len(requests))
	results := make([]*testenv.BuildResult, len(requests))
	start := time.Now()
	var group sync.WaitGroup
	for i, req := range requests {
		group.Go(func() { results[i], errs[i] = b.timed(ctx, req) })
	}
	group.Wait()
	took := time.Since(start).Seconds()
	if b.steps {
		for i, res := range results {
			if res != nil {
				printSteps("matrix", fmt.Sprintf("spec %d of %d", i+1, len(requests)), res)
			}
		}
	}
	return took, errors.Join(errs...)
}
