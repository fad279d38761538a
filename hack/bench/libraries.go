package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
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

// A libraryBench is a build context that has the files which are looked through twice: in a wheel,
// and as they are.
type libraryBench struct {
	*bench
	dir        string
	extensions map[string]string // C extensions of the interpreter
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
	l := &libraryBench{bench: b, dir: dir, extensions: map[string]string{}, modules: libraryFiles}
	for _, name := range files.Paths() {
		if files[name].Mode.IsRegular() {
			l.modules--
		}
		if strings.HasSuffix(name, ".so") {
			content, err := img.ReadFile(ctx, name)
			if err != nil {
				return nil, err
			}
			l.extensions[path.Base(name)] = string(content)
			l.modules--
		}
	}
	return l, errors.Join(os.Mkdir(filepath.Join(dir, librariesDir), 0o755), os.Mkdir(filepath.Join(dir, wheelsDir), 0o755))
}

// change writes the files of a round, which no step has seen.
func (l *libraryBench) change(round int) error {
	installed, copied := map[string]string{}, map[string]string{}
	for name, content := range l.extensions {
		installed["many/"+name], copied[name] = content, content
	}
	for n := range l.modules {
		content := fmt.Sprintf("X = %d, %d\n", round, n)
		copied[fmt.Sprintf("file-%d", n)] = content
		if n%2 == 0 {
			installed[fmt.Sprintf("many/module_%d.py", n)] = content // and its bytecode
		}
	}
	for name, content := range copied {
		if err := os.WriteFile(filepath.Join(l.dir, librariesDir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	file, wheel, err := testenv.Wheel("many", "1", "py3-none-any", installed)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(l.dir, wheelsDir, file), wheel, 0o644)
}

// took builds and returns how many seconds these steps took together.
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
