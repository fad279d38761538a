package main

import (
	"archive/zip"
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// stdlibDockerfile compiles and zips the standard library, and does nothing else.
//
//go:embed peer/stdlib.Dockerfile
var stdlibDockerfile string

const (
	stdlibDir = "/usr/local/lib/python3.13/"
	stdlibZip = "/usr/local/lib/python313.zip"

	// maxCold is what a cold build may take of the standard library's alone.
	maxCold = 1.4
)

// minimal compares a cold build of the minimal image with compiling and zipping its
// standard library alone: with that as a whole build, and with the step by itself.
func (b *bench) minimal(ctx context.Context) error {
	dir, err := b.modulesContext(ctx)
	if err != nil {
		return err
	}
	ours, peer := b.ours("", minimalSpec), b.peer(dir, stdlibDockerfile)
	builds := contest{what: "minimal: cold | stdlib alone"}
	var steps []float64
	for round := range b.rounds {
		if err := b.reset(ctx); err != nil {
			return err
		}
		results, err := b.alternate(ctx, round, &builds, ours, peer)
		if err != nil {
			return err
		}
		run := results[1].Vertex("RUN")
		if run == nil {
			return fmt.Errorf("the peer's build has no step RUN")
		}
		steps = append(steps, run.Took().Seconds())
	}
	b.table.contest(&builds, maxCold, 0)
	step := contest{what: "minimal: cold | its RUN by itself", times: [2][]float64{builds.times[0], steps}}
	b.table.contest(&step, 0, 0)
	return nil
}

// modulesContext makes a build context with the list of the modules of the base that the
// minimal image has, so that the peer works on the same ones.
func (b *bench) modulesContext(ctx context.Context) (string, error) {
	modules, err := b.modules(ctx)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(b.dir, "modules")
	if err != nil {
		return "", err
	}
	list := strings.Join(modules, "\n") + "\n"
	return dir, os.WriteFile(filepath.Join(dir, "modules.txt"), []byte(list), 0o644)
}

// modules returns the sources, relative to the library's folder, of what the minimal image
// has as bytecode, in the zip and beside it.
func (b *bench) modules(ctx context.Context) ([]string, error) {
	minimal, err := b.minimalImage(ctx)
	if err != nil {
		return nil, err
	}
	base, err := b.base(ctx)
	if err != nil {
		return nil, err
	}
	sources, err := base.Files()
	if err != nil {
		return nil, err
	}
	compiled, err := bytecode(ctx, minimal)
	if err != nil {
		return nil, err
	}
	var modules []string
	for _, name := range compiled {
		source := strings.TrimSuffix(name, "c")
		if _, ok := sources[stdlibDir+source]; ok {
			modules = append(modules, source)
		}
	}
	slices.Sort(modules)
	return modules, nil
}

// bytecode returns the names of the image's .pyc files of the standard library.
func bytecode(ctx context.Context, img *testenv.Image) ([]string, error) {
	data, err := img.ReadFile(ctx, stdlibZip)
	if err != nil {
		return nil, err
	}
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, file := range archive.File {
		names = append(names, file.Name)
	}
	files, err := img.Files()
	if err != nil {
		return nil, err
	}
	for _, path := range files.Paths() {
		if name, ok := strings.CutPrefix(path, stdlibDir); ok && strings.HasSuffix(name, ".pyc") {
			names = append(names, name)
		}
	}
	return names, nil
}
