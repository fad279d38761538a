package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

const (
	// libraryFiles is how many files there are in the root that is looked through, at least.
	libraryFiles = 5000
	// maxLook is what looking for the shared libraries of all that may take.
	maxLook = 0.3

	lookStep     = "[final] look for shared libraries"
	librariesDir = "data"
)

// libraries measures the step that reads the ELF files of an image, with all that goes with a
// step, for a root of many files.
func (b *bench) libraries(ctx context.Context) error {
	dir, err := os.MkdirTemp(b.dir, "libraries")
	if err != nil {
		return err
	}
	if err := b.fillLibraries(ctx, filepath.Join(dir, librariesDir)); err != nil {
		return err
	}
	req := b.ours(dir, minimalSpec+"files: [{from: "+librariesDir+", to: /srv/}]\n")
	var looks []float64
	for round := range b.rounds {
		name := filepath.Join(dir, librariesDir, "round")
		if err := os.WriteFile(name, fmt.Append(nil, round), 0o644); err != nil {
			return err
		}
		res, err := b.timed(ctx, req)
		if err != nil {
			return err
		}
		look := res.Vertex(lookStep)
		if look == nil || !look.Ran() {
			return fmt.Errorf("the build did not %s", lookStep)
		}
		looks = append(looks, look.Took().Seconds())
		if b.steps {
			printSteps("libraries", sideNames[0], res)
		}
	}
	what := fmt.Sprintf("libraries: look through %d files", libraryFiles)
	b.table.add(comparison{what: what, unit: seconds, ours: median(looks), value: maxLook})
	return nil
}

// fillLibraries fills a folder with files: some are C extensions of the interpreter.
func (b *bench) fillLibraries(ctx context.Context, dir string) error {
	img, err := b.minimalImage(ctx)
	if err != nil {
		return err
	}
	files, err := img.Files()
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	written := 0
	for _, path := range files.Paths() {
		if !strings.HasSuffix(path, ".so") {
			continue
		}
		if err := copyOut(ctx, img, path, filepath.Join(dir, filepath.Base(path))); err != nil {
			return err
		}
		written++
	}
	for n := range libraryFiles - written {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file-%d", n)), fmt.Appendf(nil, "%d\n", n), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// copyOut copies a file out of an image.
func copyOut(ctx context.Context, img *testenv.Image, path, to string) error {
	data, err := img.ReadFile(ctx, path)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o644)
}
