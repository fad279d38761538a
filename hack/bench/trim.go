package main

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// trimCommand does what the tests of an application do: starts, which open files, and requests.
//
//go:embed trim.py
var trimCommand string

const (
	// trimFiles and trimKeys are added to the example's spec.
	trimFiles = "  - {from: check.py, to: /app/}\n"
	trimKeys  = "\ntrim:\n  run: [[%s]]\n"
	// maxTrim is what trim may add to a build, of the time that its commands take by themselves,
	// and maxTrimmed what may be left of the library and shared libraries.
	maxTrim    = 1.5
	maxTrimmed = 0.65
)

// Commands that are traced: the application's tests, and one start of it, next to which all that
// trim does besides shows.
var (
	trimTests = []string{"python", "check.py"}
	trimStart = []string{"python", "-m", "flask", "--app", "hello", "routes"}
)

// A trimBench is the flask example with a command, which is traced in one of two builds.
type trimBench struct {
	*bench
	dir                   string
	plain, tested, starts testenv.BuildRequest
	edits                 int
}

// trim measures what trim adds to a build, cold and after an edit of the application, of the
// time that its commands take anyway, and what is left of the library.
func (b *bench) trim(ctx context.Context) error {
	t, err := b.newTrim()
	if err != nil {
		return err
	}
	cold, edited := contest{what: "trim adds, cold | its command"}, contest{what: "trim adds, app edit | its command"}
	start := contest{what: "trim adds, app edit | a command that just starts"}
	for range b.rounds {
		if err := t.round(ctx, &cold, &edited, &start); err != nil {
			return err
		}
	}
	b.table.contest(&cold, maxTrim, 0)
	b.table.contest(&edited, maxTrim, 0)
	b.table.contest(&start, 0, 0)
	return t.size(ctx)
}

func (b *bench) newTrim() (*trimBench, error) {
	f, err := b.newFlask()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(f.dir, "check.py"), []byte(trimCommand), 0o644); err != nil {
		return nil, err
	}
	plain := strings.Replace(f.ours.DockerfileInline, "files:\n", "files:\n"+trimFiles, 1)
	traced := func(command []string) testenv.BuildRequest {
		return b.ours(f.dir, plain+fmt.Sprintf(trimKeys, strings.Join(command, ", ")))
	}
	return &trimBench{bench: b, dir: f.dir, plain: b.ours(f.dir, plain), tested: traced(trimTests), starts: traced(trimStart)}, nil
}

// round measures builds without trim and with it, the command by itself, and both again after
// an edit.
func (t *trimBench) round(ctx context.Context, cold, edited, start *contest) error {
	if err := t.compare(ctx, 1, cold, t.reset, t.tested, trimTests); err != nil {
		return err
	}
	if err := t.compare(ctx, repeats, edited, t.edit, t.tested, trimTests); err != nil {
		return err
	}
	return t.compare(ctx, repeats, start, t.edit, t.starts, trimStart)
}

// compare adds to a contest what trimmed builds take more, and what their command takes by itself.
func (t *trimBench) compare(ctx context.Context, times int, c *contest, after func(context.Context) error, trimmed testenv.BuildRequest, command []string) error {
	own, err := t.command(ctx, command)
	if err != nil {
		return err
	}
	for range times {
		added, err := t.added(ctx, after, trimmed)
		if err != nil {
			return err
		}
		c.times[0], c.times[1] = append(c.times[0], added), append(c.times[1], own)
	}
	return nil
}

// added returns how much longer a build takes with trim than without, each after something.
func (t *trimBench) added(ctx context.Context, after func(context.Context) error, trimmed testenv.BuildRequest) (float64, error) {
	var took [2]float64
	for i, req := range []testenv.BuildRequest{t.plain, trimmed} {
		if err := after(ctx); err != nil {
			return 0, err
		}
		res, err := t.timed(ctx, req)
		if err != nil {
			return 0, err
		}
		took[i] = res.Took.Seconds()
		if t.steps {
			printSteps("trim", []string{"without", "with"}[i], res)
		}
	}
	return took[1] - took[0], nil
}

func (t *trimBench) edit(context.Context) error {
	t.edits++
	return appendTo(filepath.Join(t.dir, flaskApp), fmt.Sprintf("\n# edit %d\n", t.edits))
}

// command returns what a command takes in a container of the image that is not trimmed.
func (t *trimBench) command(ctx context.Context, command []string) (float64, error) {
	img, err := t.image(ctx, "flask to trim", t.plain)
	if err != nil {
		return 0, err
	}
	res, err := img.Run(ctx, testenv.RunOptions{Entrypoint: command})
	if err != nil {
		return 0, fmt.Errorf("the traced command: %w", err)
	}
	if res.ExitCode != 0 {
		return 0, fmt.Errorf("the traced command ended with status %d\n%s", res.ExitCode, res.Stderr)
	}
	return res.Took.Seconds(), nil
}

// size weighs the library and shared libraries, without the interpreter itself.
func (t *trimBench) size(ctx context.Context) error {
	var bytes [2]float64
	for i, req := range []testenv.BuildRequest{t.tested, t.plain} {
		img, err := t.image(ctx, []string{"trimmed flask", "flask to trim"}[i], req)
		if err != nil {
			return err
		}
		files, err := img.Files()
		if err != nil {
			return err
		}
		for name, file := range files {
			if file.Mode.IsRegular() && ofLibrary(name) {
				bytes[i] += float64(file.Size)
			}
		}
	}
	t.table.add(comparison{what: "library on disk: trimmed | whole", unit: megabytes, ours: bytes[0], peer: bytes[1], ratio: maxTrimmed})
	return nil
}

func ofLibrary(name string) bool {
	base := filepath.Base(name)
	switch {
	case strings.HasPrefix(base, "libpython"), strings.Contains(name, "/site-packages/"):
		return false
	}
	return strings.HasPrefix(name, "/usr/local/lib/") || strings.Contains(base, ".so")
}
