package main

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

const (
	// libraryFiles is how many regular files there are in the root that is looked through.
	libraryFiles = 5000
	// maxLook is what looking for the shared libraries of all that may take.
	maxLook = 0.3

	lookStep   = "[final] look for shared libraries"
	gatherStep = "[internal] look for programs in " + librariesDir

	librariesDir = "data"
	wheelsDir    = "wheels"
)

// A libraryBench is what the look is measured with: a folder with contents, by their paths, that
// is installed as a wheel, or copied as it is.
type libraryBench struct {
	*bench
	dir        string
	extensions map[string][]byte // C extensions of the interpreter
	modules    int               // how many files besides make that many in the image
}

// libraries measures the step that reads the ELF files of an image, with all that goes with a
// step: with what pip installed, and with files of the spec, which another step gathers first.
func (b *bench) libraries(ctx context.Context) error {
	l, err := b.newLibraries(ctx)
	if err != nil {
		return err
	}
	installed := b.ours(l.dir, minimalSpec+"pip: {packages: [many], find-links: ["+wheelsDir+"/]}\n")
	copied := b.ours(l.dir, minimalSpec+"files: [{from: "+librariesDir+", to: /srv/}]\n")
	var looks, gathers []float64
	for round := range b.rounds {
		if err := l.change(round); err != nil {
			return err
		}
		took, err := l.took(ctx, installed, lookStep)
		if err != nil {
			return err
		}
		looks = append(looks, took)
		if took, err = l.took(ctx, copied, lookStep, gatherStep); err != nil {
			return err
		}
		gathers = append(gathers, took)
	}
	what := fmt.Sprintf("libraries: look through %d files", libraryFiles)
	b.table.add(comparison{what: what, unit: seconds, ours: median(looks), value: maxLook})
	what += ", of which most are copied and may be programs"
	b.table.add(comparison{what: what, unit: seconds, ours: median(gathers)})
	return nil
}

func (b *bench) newLibraries(ctx context.Context) (*libraryBench, error) {
	dir, err := os.MkdirTemp(b.dir, "libraries")
	if err != nil {
		return nil, err
	}
	img, err := b.minimalImage(ctx)
	if err != nil {
		return nil, err
	}
	files, err := img.Files()
	if err != nil {
		return nil, err
	}
	l := &libraryBench{bench: b, dir: dir, extensions: map[string][]byte{}, modules: libraryFiles}
	for _, name := range files.Paths() {
		if files[name].Mode.IsRegular() {
			l.modules--
		}
		if strings.HasSuffix(name, ".so") {
			if l.extensions[path.Base(name)], err = img.ReadFile(ctx, name); err != nil {
				return nil, err
			}
			l.modules--
		}
	}
	return l, errors.Join(os.Mkdir(filepath.Join(dir, librariesDir), 0o755), os.Mkdir(filepath.Join(dir, wheelsDir), 0o755))
}

// change writes the files of a round, which no step has seen.
func (l *libraryBench) change(round int) error {
	wheel, folder := maps.Clone(l.extensions), maps.Clone(l.extensions)
	for n := range l.modules {
		content := fmt.Appendf(nil, "X = %d, %d\n", round, n)
		folder[fmt.Sprintf("file-%d", n)] = content
		if n%2 == 0 {
			wheel[fmt.Sprintf("module_%d.py", n)] = content // and its bytecode
		}
	}
	for name, content := range folder {
		if err := os.WriteFile(filepath.Join(l.dir, librariesDir, name), content, 0o644); err != nil {
			return err
		}
	}
	return writeWheel(filepath.Join(l.dir, wheelsDir, "many-1-py3-none-any.whl"), wheel)
}

// writeWheel writes a distribution named many, of version 1, with a package of that name.
func writeWheel(name string, files map[string][]byte) error {
	all := map[string][]byte{
		"many-1.dist-info/METADATA": []byte("Metadata-Version: 2.1\nName: many\nVersion: 1\n"),
		"many-1.dist-info/WHEEL":    []byte("Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
	}
	for name, content := range files {
		all["many/"+name] = content
	}
	names := append(slices.Sorted(maps.Keys(all)), "many-1.dist-info/RECORD")
	all[names[len(names)-1]] = []byte(strings.Join(names, ",,\n") + ",,\n")

	file, err := os.Create(name)
	if err != nil {
		return err
	}
	archive := zip.NewWriter(file)
	for _, name := range names {
		w, err := archive.Create(name)
		if err == nil {
			_, err = w.Write(all[name])
		}
		if err != nil {
			return errors.Join(err, file.Close())
		}
	}
	return errors.Join(archive.Close(), file.Close())
}

// steps builds and returns what these steps took together.
func (l *libraryBench) took(ctx context.Context, req testenv.BuildRequest, names ...string) (float64, error) {
	res, err := l.timed(ctx, req)
	if err != nil {
		return 0, err
	}
	if l.steps {
		printSteps("libraries", sideNames[0], res)
	}
	sum := 0.0
	for _, name := range names {
		step := res.Vertex(name)
		if step == nil || !step.Ran() {
			return 0, fmt.Errorf("the build did not %s", name)
		}
		sum += step.Took().Seconds()
	}
	return sum, nil
}
