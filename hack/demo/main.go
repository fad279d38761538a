// Command demo shows the main job on a machine without Docker: it starts a BuildKit daemon
// and a registry of its own, builds the frontend's image, builds an example with it by its
// #syntax line, runs the result and asks it something.
//
//	go run ./hack/demo [-spec FILE]
//
// The images stay in out/demo, and so does the daemon's cache, so that a second run is quick.
// What it starts ends with it, also on Ctrl-C.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

func main() {
	logrus.SetLevel(logrus.ErrorLevel) // libraries warn of what is of no matter here
	spec := flag.String("spec", filepath.Join("examples", "simple-flask", "Dockerfile"), "the `file` to build; its folder is the context")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	start := time.Now()
	if err := run(ctx, *spec); err != nil {
		if ctx.Err() != nil {
			err = errors.New("stopped")
		}
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
	fmt.Printf("done in %.1f s\n", time.Since(start).Seconds())
}

// run is the demonstration, step by step.
func run(ctx context.Context, spec string) (err error) {
	if info, statErr := os.Stat(spec); statErr != nil {
		return statErr
	} else if info.IsDir() {
		spec = filepath.Join(spec, "Dockerfile")
	}
	d, err := start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.env.Close()) }()

	if err := d.publishFrontend(ctx); err != nil {
		return err
	}
	images, err := d.buildAll(ctx, spec)
	if err != nil {
		return err
	}
	if err := d.show(ctx, images.final); err != nil {
		return err
	}
	if err := printTable(ctx, images); err != nil {
		return err
	}
	return d.keep(images, spec)
}

// A demo is the environment that the demonstration runs in.
type demo struct {
	env *testenv.Env
	out string // folder of what stays
}

func start(ctx context.Context) (*demo, error) {
	step("starting a BuildKit daemon")
	root, err := testenv.RepoRoot()
	if err != nil {
		return nil, err
	}
	out := filepath.Join(root, "out", "demo")
	env, err := testenv.Start(ctx, testenv.Options{Daemon: testenv.DaemonOptions{Root: filepath.Join(out, "buildkit")}})
	if err != nil {
		return nil, fmt.Errorf("start a BuildKit daemon: %w", err)
	}
	return &demo{env: env, out: out}, nil
}

func step(format string, args ...any) {
	fmt.Printf("==> "+format+"\n", args...)
}
