package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// flaskDockerfile is what a careful user would write for the same application.
//
//go:embed peer/Dockerfile
var flaskDockerfile string

// The example that both sides build.
const (
	flaskExample      = "examples/simple-flask"
	flaskSpec         = "Dockerfile"
	flaskApp          = "hello.py"
	flaskRequirements = "requirements.txt"
)

const (
	// repeats is how often a round measures a build that takes a fraction of a second.
	repeats = 5
	// maxNoop and maxEdit are what a build may take of the peer's.
	maxNoop = 1.2
	maxEdit = 1.0
	// noise is how much two measurements of the same build differ here.
	noise = 0.05
)

// A flaskBench is the application in the two kinds of build, and their times.
type flaskBench struct {
	*bench
	dir        string // a copy of the example, to edit
	ours, peer testenv.BuildRequest
	uncompiled testenv.BuildRequest // the peer's, without the compilation
	edits      int

	cold, noop, solved, app, onlyCopied, requirements contest
}

// flask compares builds of the flask example with those of a multi-stage Dockerfile.
func (b *bench) flask(ctx context.Context) error {
	f, err := b.newFlask()
	if err != nil {
		return err
	}
	for round := range b.rounds {
		if err := f.round(ctx, round); err != nil {
			return err
		}
	}
	f.report()
	return nil
}

// newFlask copies the example: the builds share one context, and both edit the same files.
func (b *bench) newFlask() (*flaskBench, error) {
	root, err := testenv.RepoRoot()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "flask")
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root, flaskExample))); err != nil {
		return nil, err
	}
	spec, err := os.ReadFile(filepath.Join(dir, flaskSpec))
	if err != nil {
		return nil, err
	}
	uncompiled := b.peer(dir, flaskDockerfile)
	uncompiled.Target = "copied"
	return &flaskBench{
		bench:        b,
		dir:          dir,
		ours:         b.ours(dir, string(spec)),
		peer:         b.peer(dir, flaskDockerfile),
		uncompiled:   uncompiled,
		cold:         contest{what: "flask: cold"},
		noop:         contest{what: "flask: no-op"},
		solved:       contest{what: "flask: no-op, nothing exported"},
		app:          contest{what: "flask: app edit"},
		onlyCopied:   contest{what: "flask: app edit | COPY alone, nothing compiled"},
		requirements: contest{what: "flask: requirements edit"},
	}, nil
}

// round takes both sides through a day's work. They share no step that works, so one's cold
// build gains nothing by the other's.
func (f *flaskBench) round(ctx context.Context, round int) error {
	if err := f.reset(ctx); err != nil {
		return err
	}
	if err := f.both(ctx, round, &f.cold); err != nil {
		return err
	}
	for turn := range repeats {
		if err := f.quick(ctx, turn); err != nil {
			return err
		}
	}
	if err := f.editRequirements(); err != nil {
		return err
	}
	return f.both(ctx, round, &f.requirements)
}

// quick does the builds that take a fraction of a second: nothing has changed, with and
// without writing the image out again, and a line of the application has.
func (f *flaskBench) quick(ctx context.Context, turn int) error {
	if err := f.both(ctx, turn, &f.noop); err != nil {
		return err
	}
	ours, peer := f.ours, f.peer
	ours.NoExport, peer.NoExport = true, true
	if _, err := f.alternate(ctx, turn, &f.solved, ours, peer); err != nil {
		return err
	}
	if err := f.editApp(ctx, turn, &f.app, f.peer); err != nil {
		return err
	}
	return f.editApp(ctx, turn, &f.onlyCopied, f.uncompiled)
}

func (f *flaskBench) editApp(ctx context.Context, turn int, c *contest, peer testenv.BuildRequest) error {
	f.edits++
	if err := appendTo(filepath.Join(f.dir, flaskApp), fmt.Sprintf("\n# edit %d\n", f.edits)); err != nil {
		return err
	}
	results, err := f.alternate(ctx, turn, c, f.ours, peer)
	if err != nil {
		return err
	}
	return copied(results)
}

// copied makes sure that each side copied the application itself: were the two copies one
// step to the daemon, the second would find the first's in the cache.
func copied(results [2]*testenv.BuildResult) error {
	for side, res := range results {
		ran := func(v *testenv.Vertex) bool {
			return strings.Contains(v.Name, flaskApp) && v.Ran() && !strings.Contains(v.Name, "LINK")
		}
		if !slices.ContainsFunc(res.Vertices, ran) {
			return fmt.Errorf("%s did not copy %s: the sides share a step", sideNames[side], flaskApp)
		}
	}
	return nil
}

func (f *flaskBench) both(ctx context.Context, turn int, c *contest) error {
	_, err := f.alternate(ctx, turn, c, f.ours, f.peer)
	return err
}

// editRequirements asks for one more package. The comment makes every edit a new one.
func (f *flaskBench) editRequirements() error {
	f.edits++
	line := fmt.Sprintf("\nsix==1.17.0  # edit %d\n", f.edits)
	return appendTo(filepath.Join(f.dir, flaskRequirements), line)
}

func (f *flaskBench) report() {
	f.table.contest(&f.cold, 0, 0)
	f.table.contest(&f.noop, maxNoop, 0)
	f.table.contest(&f.solved, maxNoop, 0)
	f.table.contest(&f.app, maxEdit, noise)
	f.table.contest(&f.onlyCopied, 0, 0)
	f.table.contest(&f.requirements, 0, 0)
}

func appendTo(path, text string) error {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}
